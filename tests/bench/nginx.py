"""nginx as a plain reverse proxy: the limit in practice."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

CONFIGURATION = """
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile 8192;
pid {folder}/pid;
error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    keepalive_requests 10000000;
    upstream api {{
        server {upstream};
        keepalive 1024;
        keepalive_requests 10000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://api;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_read_timeout 600s;
        }}
    }}
}}
"""


def installed() -> str | None:
    """Where nginx is, if anywhere."""
    return shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


def configure(folder: Path, port: int, upstream_url: str) -> Path:
    """Write a configuration that keeps everything below the folder; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "nginx.conf"
    path.write_text(CONFIGURATION.format(folder=folder, port=port, upstream=urlsplit(upstream_url).netloc))
    return path
