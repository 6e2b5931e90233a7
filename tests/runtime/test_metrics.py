"""Proves the form of every metric: our name, a help text, the unit last."""

from engine.runtime.metrics import Metrics


def test_every_metric_is_named_and_explained() -> None:
    """Names begin with holdfast_ and every metric says what it is."""
    for family in Metrics().registry.collect():
        assert family.name.startswith("holdfast_")
        assert len(family.documentation) > 10


def test_engines_do_not_share_metrics() -> None:
    """Two engines of one process count apart."""
    first, second = Metrics(), Metrics()
    first.false_absence_total.inc()
    assert b"holdfast_false_absence_total 1.0" in first.exposition()
    assert b"holdfast_false_absence_total 0.0" in second.exposition()
