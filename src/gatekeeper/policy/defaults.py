"""Defaults laid under a service's own values."""

from dataclasses import dataclass, replace

from gatekeeper.policy.document import Items, Map, Node, merge


@dataclass(frozen=True)
class Defaults:
    """What services get that do not say otherwise: the ``spec`` of ``kind: Defaults`` documents.

    Each value knows its place, so that a contradiction with it can be shown there.

    Attributes:
        owners: who owns the services that name no owners themselves.
    """

    spec: Map
    owners: tuple[str, ...] = ()

    def over(self, under: "Defaults | None") -> "Defaults":
        """These defaults on top of others, such as a repository's on its organisation's."""
        if under is None:
            return self
        merged = merge(under.spec, self.spec)
        return Defaults(merged, self.owners or under.owners) if isinstance(merged, Map) else self

    def under(self, root: Node) -> Node:
        """A service document with the defaults where it says nothing."""
        spec = root.nodes.get("spec") if isinstance(root, Map) else None
        if not (isinstance(root, Map) and isinstance(spec, Map)):
            return root
        filled = self._with_gate(self._with_windows(spec))
        return replace(root, nodes={**root.nodes, "spec": filled})

    def _with_gate(self, spec: Map) -> Map:
        gate = self.spec.nodes.get("gate")
        if gate is None:
            return spec
        nodes = {**spec.nodes, "gate": merge(gate, spec.nodes["gate"]) if "gate" in spec.nodes else gate}
        return replace(spec, nodes=nodes, keys={"gate": self.spec.keys["gate"], **spec.keys})

    def _with_windows(self, spec: Map) -> Map:
        objectives = spec.nodes.get("objectives")
        if "window" not in self.spec.nodes or not isinstance(objectives, Items):
            return spec
        filled = tuple(self._with_window(objective) for objective in objectives.nodes)
        return replace(spec, nodes={**spec.nodes, "objectives": replace(objectives, nodes=filled)})

    def _with_window(self, objective: Node) -> Node:
        if not isinstance(objective, Map) or "window" in objective.nodes:
            return objective
        return replace(
            objective,
            nodes={**objective.nodes, "window": self.spec.nodes["window"]},
            keys={**objective.keys, "window": self.spec.keys["window"]},
        )
