"""Domain question answering: questions and answers of one field, learned as they will be asked.

Supervised tuning on the answers alone. Where the label retrieves too (`rag_ft`), each question stands below the
passages that retrieval finds for it (RAFT, Zhang et al. 2024): `raft`.
"""

from __future__ import annotations

from advisor.methods import Objective
from tuner_tui.training import sft
from tuner_tui.training.formats import pairs

read = pairs
trainer = sft.trainer

if __name__ == "__main__":
    from tuner_tui.training.alone import alone

    alone(Objective.DOMAIN_QA)
