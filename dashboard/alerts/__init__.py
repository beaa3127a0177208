"""What the dashboard does about alerts: finds what is to be told, keeps what people set, shows what was told."""
