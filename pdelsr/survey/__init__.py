"""The search for narrow features in the data of a problem, before anything is solved."""

from pdelsr.survey.missed_features import missed_features
from pdelsr.survey.problem import crowds, features_of, unresolved_features

__all__ = ["crowds", "features_of", "missed_features", "unresolved_features"]
