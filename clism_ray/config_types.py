"""What all settings are made of: strictness, numbers within bounds, languages, names."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from clism_ray.languages import check_language

STRICT = ConfigDict(extra="forbid")  # an unknown key is an error

Positive = Annotated[int, Field(gt=0)]
NonNegative = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
Language = Annotated[
    str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,8})*$"), AfterValidator(check_language)
]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
