"""What can be asked of windows."""

from typing import Annotated, Literal

from pydantic import Field

from core.windows.reading import FIVE_HOURS
from dashboard.recordings.query import Text
from dashboard.routing import Query

WindowName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]


class CurrentQuery(Query):
    """Whose use, and of how long."""

    account_id: Text = Field(description="Account that paid")
    window: Annotated[int, Field(ge=5, le=44_640)] = Field(300, description="Minutes up to now")


class AccountQuery(Query):
    """Which window's use is told."""

    window: WindowName | None = Field(
        None, description="Name of the window whose use and forecast is told; default 5h, else the shortest there is"
    )


class HistoryQuery(Query):
    """Which windows of an account, and how far back."""

    window: WindowName = Field(FIVE_HOURS, description="Name of the window")
    source: Literal["reported", "polled"] = Field("reported", description="Who said it; sources are never mixed")
    days: Annotated[int, Field(ge=1, le=90)] = Field(7, description="Days up to now")


class ForecastQuery(Query):
    """Whose forecast."""

    account_id: Text | None = Field(None, description="Account; default all that were used in the last days")
    calibration: bool = Field(
        default=False, description="Also how often forecasts of the account's past windows were right"
    )
