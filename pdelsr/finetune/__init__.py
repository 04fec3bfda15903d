"""Fine-tuning trained modules: on data, or for one instance of a parametric problem."""

from pdelsr.finetune.many import InstanceRow, Instances, refine_many
from pdelsr.finetune.refinement import network_at, refine, refine_instance
from pdelsr.finetune.training import Training, train_operator

__all__ = [
    "InstanceRow",
    "Instances",
    "Training",
    "network_at",
    "refine",
    "refine_instance",
    "refine_many",
    "train_operator",
]
