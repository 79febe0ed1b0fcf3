"""`[incoming]` of the configuration: whether calls are answered, and how."""

from typing import Annotated

from pydantic import Field

from mail2fax.config.values import Section
from mail2fax.model.call import MediaPolicy
from mail2fax.model.incoming import FaxFormat


class IncomingSection(Section):
    """`[incoming]`: faxes that others send to the numbers of our terminals."""

    answer: bool = False
    lines: Annotated[int, Field(ge=1, le=500)] = 2
    ring_s: Annotated[float, Field(ge=0, le=60)] = 2.0
    t38: MediaPolicy = MediaPolicy.OFFER
    formats: Annotated[tuple[FaxFormat, ...], Field(min_length=1)] = (FaxFormat.PDF, FaxFormat.TIFF)
