"""Fine-tuning trained modules: on data, or for one instance of a parametric problem."""

from pdelsr.finetune.at_input import network_at
from pdelsr.finetune.instances import InstanceRow, Instances
from pdelsr.finetune.many import refine_many
from pdelsr.finetune.refinement import refine, refine_instance
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
