"""A state worth keeping: parameters, and the linear step on top of them."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import Predictor, RefinedPredictor
from pdelsr.networks import Network


@dataclass(frozen=True)
class Candidate:
    """θ, and δ if the state is a refined predictor q + J δ.

    Args:
        network: of θ; it may have moved on since.
        theta: (m,), a copy.
        delta: (m,), or None for the network itself.
    """

    network: Network
    theta: Float[Tensor, " m"]
    delta: Float[Tensor, " m"] | None = None

    @classmethod
    def of_network(cls, network: Network) -> Candidate:
        """The network as it is now."""
        return cls(network, network.get_vector())

    def predictor(self) -> Predictor:
        """The predictor of this state, to be evaluated before the network moves on.

        See `at_theta`: nothing is moved.
        """
        network = self.at_theta()
        return network if self.delta is None else RefinedPredictor(network, self.delta)

    def at_theta(self) -> Network:
        """A network at θ: the network itself if it is still there, else a copy.

        The copy lives as long as the objects made from it. Most states are used while their network
        has not moved, and then nothing is copied.
        """
        if torch.equal(self.network.get_vector(), self.theta):
            return self.network
        copied = copy.deepcopy(self.network)
        copied.set_vector(self.theta)
        return copied

    def move_network(self) -> None:
        """Move the network itself back to θ."""
        self.network.set_vector(self.theta)
