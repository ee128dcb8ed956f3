"""The names of the methods by which a column can be compared; what each does is told in `monitoring/methods`."""

from __future__ import annotations

from enum import StrEnum


class DriftMethod(StrEnum):
    """A method as it is asked for. A library before the colon: the number that this library answers."""

    PSI = "psi"
    JENSEN_SHANNON = "jensen_shannon"
    KL = "kl"
    HELLINGER = "hellinger"
    TOTAL_VARIATION = "total_variation"
    CHI2 = "chi2"
    WASSERSTEIN = "wasserstein"
    KS = "ks"
    Z = "z"
    EVIDENTLY_PSI = "evidently:psi"
    EVIDENTLY_WASSERSTEIN = "evidently:wasserstein"
    EVIDENTLY_JENSEN_SHANNON = "evidently:jensenshannon"
    EVIDENTLY_KS = "evidently:ks"
    EVIDENTLY_CHISQUARE = "evidently:chisquare"
    NANNYML_JENSEN_SHANNON = "nannyml:jensen_shannon"
    NANNYML_HELLINGER = "nannyml:hellinger"
    NANNYML_WASSERSTEIN = "nannyml:wasserstein"
    NANNYML_KOLMOGOROV_SMIRNOV = "nannyml:kolmogorov_smirnov"
    NANNYML_CHI2 = "nannyml:chi2"
    NANNYML_L_INFINITY = "nannyml:l_infinity"
