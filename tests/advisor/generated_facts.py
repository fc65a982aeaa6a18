"""Facts by the thousand: every combination that the contract allows, unknowns included."""

from hypothesis import strategies as st

from advisor.facts import (
    Access,
    BaseSuccess,
    Changes,
    Constraints,
    Data,
    Facts,
    Goal,
    Gpu,
    Hardware,
    History,
    Kind,
    Knowledge,
    Latency,
    Model,
    Privacy,
    Tried,
)


def maybe(values: st.SearchStrategy) -> st.SearchStrategy:
    """A value, or unknown."""
    return st.none() | values


COUNTS = st.sampled_from([0, 0, 0, 5, 12, 49, 50, 99, 150, 800, 1000, 5000, 60_000, 200_000]) | st.none()
SIZES = st.sampled_from([6.0, 8.0, 12.0, 16.0, 24.0, 40.0, 48.0, 80.0, 141.0])
GPUS = st.lists(st.builds(Gpu, vram_gb=maybe(SIZES)), max_size=4)
YES_NO = maybe(st.booleans())
TRIED = maybe(st.sampled_from(Tried))

FACTS = st.builds(
    Facts,
    goals=st.lists(st.sampled_from(Goal), max_size=4, unique=True),
    knowledge=st.builds(
        Knowledge,
        changes=maybe(st.sampled_from(Changes)),
        needs_citations=YES_NO,
        fits_in_context=YES_NO,
        corpus_tokens=maybe(st.sampled_from([0, 1_000_000, 300_000_000, 20_000_000_000])),
    ),
    data=st.builds(
        Data,
        documents=COUNTS,
        instruction_pairs=COUNTS,
        preference_pairs=COUNTS,
        binary_feedback=COUNTS,
        verifiable_rewards=COUNTS,
        unlabeled_inputs=COUNTS,
    ),
    model=st.builds(
        Model,
        params_b=maybe(st.sampled_from([0.012, 0.5, 1.0, 3.0, 7.0, 13.0, 32.0, 70.0, 175.0])),
        access=maybe(st.sampled_from(Access)),
        kind=maybe(st.sampled_from(Kind)),
    ),
    hardware=st.builds(Hardware, gpus=maybe(GPUS), ram_gb=maybe(st.sampled_from([4.0, 16.0, 64.0]))),
    constraints=st.builds(
        Constraints,
        latency=maybe(st.sampled_from(Latency)),
        privacy=maybe(st.sampled_from(Privacy)),
        n_tasks=maybe(st.sampled_from([1, 3, 25, 300])),
        keep_general_ability=YES_NO,
    ),
    history=st.builds(
        History,
        prompting=TRIED,
        rag=TRIED,
        sft=TRIED,
        base_success=maybe(st.sampled_from(BaseSuccess)),
        teacher=YES_NO,
    ),
)
"""Whole facts; most data kinds are absent in most draws, as in life."""
