"""Sources: every published work that a rule rests on, once, with its title and where to read it."""

from __future__ import annotations

from typing import NamedTuple


class Source(NamedTuple):
    """A title for people and an address; `url` None = the project's own brief, which is not on the web."""

    title: str
    url: str | None


def _arxiv(title: str, number: str) -> Source:
    return Source(f"{title} (arXiv {number})", f"https://arxiv.org/abs/{number}")


MS_LESSON = Source(
    "Microsoft, Generative AI for Beginners, lesson 18: fine-tuning",
    "https://github.com/microsoft/generative-ai-for-beginners/tree/main/18-fine-tuning",
)
BRIEF_RAG = Source("Project brief, document 002: RAG and fine-tuning, the Slack case", None)
BRIEF_KINDS = Source("Project brief, document 002: kinds of tuning by purpose", None)
BRIEF_OVERFIT = Source("Project brief, document 003: kinds of tuning", None)

OPENAI_SFT = Source(
    "OpenAI, supervised fine-tuning and distillation guide", "https://developers.openai.com/docs/guides/distillation"
)
OPENAI_BEST = Source(
    "OpenAI, fine-tuning best practices", "https://developers.openai.com/api/docs/guides/fine-tuning-best-practices"
)
OPENAI_RFT = Source(
    "OpenAI, reinforcement fine-tuning use cases", "https://developers.openai.com/api/docs/guides/rft-use-cases"
)
OPENAI_ACCURACY = Source(
    "OpenAI, Optimizing LLM accuracy", "https://platform.openai.com/docs/guides/optimizing-llm-accuracy"
)
DEVDAY = Source(
    "OpenAI DevDay 2023, A survey of techniques for maximizing LLM performance",
    "https://www.youtube.com/watch?v=ahnGLM-RC1Y",
)
MERCARI = Source(
    "Mercari, a 2B model tuned to extract attributes",
    "https://ai.mercari.com/en/articles/engineering/20240913-fine-tuning-an-llm-to-extract-dynamically-specified-attributes",
)
VOICE = Source(
    "Zen van Riel, LoRA against full tuning for a personal style",
    "https://zenvanriel.com/ai-engineer-blog/lora-vs-full-fine-tuning-personal-writing-style/",
)
OPENAI_STRUCTURED = Source(
    "OpenAI, Structured Outputs", "https://openai.com/index/introducing-structured-outputs-in-the-api/"
)
OPENAI_CLOSING = Source(
    "OpenAI, deprecations: self-serve fine-tuning, 2026-05-07", "https://developers.openai.com/api/docs/deprecations"
)
COHERE_CLOSED = Source("Cohere, fine-tuning deprecated 2025-09-15", "https://docs.cohere.com/docs/chat-fine-tuning")
COOKBOOK_QA = Source(
    "OpenAI cookbook, question answering over documents",
    "https://github.com/openai/openai-cookbook/blob/main/examples/Question_answering_using_embeddings.ipynb",
)
AZURE = Source(
    "Azure OpenAI, fine-tuning considerations",
    "https://learn.microsoft.com/azure/ai-services/openai/concepts/fine-tuning-considerations",
)
META = Source(
    "Meta AI, To fine-tune or not to fine-tune", "https://ai.meta.com/blog/when-to-fine-tune-llms-vs-other-techniques/"
)
HAMEL = Source("Hamel Husain, Is fine-tuning still valuable?", "https://hamel.dev/blog/posts/fine_tuning_valuable.html")
MORGAN_STANLEY = Source(
    "Morgan Stanley's assistant (ZenML LLMOps database)",
    "https://www.zenml.io/llmops-database/enterprise-knowledge-management-with-llms-morgan-stanley-s-gpt-4-implementation",
)
HARVEY = Source("OpenAI and Harvey, case law", "https://openai.com/customer-stories/harvey")
AIRTRAIN = Source(
    "Airtrain's patient intake case (ZenML LLMOps database)",
    "https://www.zenml.io/llmops-database/cost-reduction-through-fine-tuning-healthcare-chatbot-and-e-commerce-product-classification",
)
ROSS_LAZER = Source("Ross Lazerowitz, fine-tuning on 140k Slack messages", "https://rosslazer.com/posts/fine-tuning/")
PREDIBASE_RFT = Source(
    "Predibase, reinforcement fine-tuning",
    "https://predibase.com/blog/how-reinforcement-learning-beats-supervised-fine-tuning-when-data-is-scarce",
)
TENSOROPS = Source(
    "TensorOps, agent reinforcement fine-tuning",
    "https://tensorops.ai/blog/practical-guide-to-agent-reinforcement-fine-tuning",
)
TINYZERO = Source("TinyZero: Countdown from 0.5B to 7B", "https://github.com/Jiayi-Pan/TinyZero")
ALPACA = Source("KoAlpaca: Polyglot-ko on instruction data", "https://github.com/Beomi/KoAlpaca")
FINGPT = Source("FinGPT README, quantised against 16-bit runs", "https://github.com/AI4Finance-Foundation/FinGPT")
LLAMA_FACTORY = Source("LLaMA-Factory README, hardware table", "https://github.com/hiyouga/LLaMA-Factory")
TORCH_FINETUNE = Source("PyTorch blog, Fine-tune LLMs", "https://pytorch.org/blog/finetune-llms/")
PEFT_RESULTS = Source(
    "PEFT documentation and measured method comparison",
    "https://github.com/huggingface/peft/tree/main/method_comparison",
)
LORA_WITHOUT_REGRET = Source("TRL, LoRA Without Regret", "https://huggingface.co/docs/trl/main/en/lora_without_regret")
TRL_DPO = Source("TRL, DPO trainer", "https://huggingface.co/docs/trl/main/en/dpo_trainer")
TRL_ORPO = Source("TRL, ORPO trainer", "https://huggingface.co/docs/trl/main/en/orpo_trainer")
TRL_KTO = Source("TRL, KTO trainer", "https://huggingface.co/docs/trl/main/en/kto_trainer")

OVADIA = _arxiv("Ovadia et al. 2023, Fine-tuning or retrieval?", "2312.05934")
SOUDANI = _arxiv("Soudani et al. 2024, Fine tuning vs. RAG for less popular knowledge", "2403.01432")
RAFT = _arxiv("Zhang et al. 2024, RAFT", "2403.10131")
BALAGUER = _arxiv("Balaguer et al. 2024, RAG vs fine-tuning in agriculture", "2401.08406")
GEKHMAN = _arxiv("Gekhman et al. 2024, Does fine-tuning on new knowledge encourage hallucinations?", "2405.05904")
WECHAT = _arxiv("RAG or fine-tuning for code completion in industry, 2025", "2505.15179")
MANY_SHOT = _arxiv("Bertsch et al. 2024, In-context learning with long-context models", "2405.00200")
BUCHER = _arxiv("Bucher and Martini 2024, Fine-tuned small LLMs beat zero-shot", "2406.08660")
KAPLAN = _arxiv("Kaplan et al. 2020, Scaling laws (6 FLOPs a token and weight)", "2001.08361")
LIMA = _arxiv("Zhou et al. 2023, LIMA", "2305.11206")
IMITATION = _arxiv("Gudibande et al. 2023, The false promise of imitating proprietary LLMs", "2305.15717")
SCALING = _arxiv("Zhang et al. 2024, When scaling meets LLM fine-tuning", "2402.17193")
FORGETS_LESS = _arxiv("Biderman et al. 2024, LoRA learns less and forgets less", "2405.09673")
QLORA_PAPER = _arxiv("Dettmers et al. 2023, QLoRA", "2305.14314")
PREFIX_PAPER = _arxiv("Li and Liang 2021, Prefix-tuning", "2101.00190")
LORA_LAND = _arxiv("Zhao et al. 2024, LoRA Land", "2405.00732")
SYNTHETIC_CPT = _arxiv("Yang et al. 2024, Synthetic continued pretraining", "2409.07431")
CHIPNEMO = _arxiv("Liu et al. 2023, ChipNeMo", "2311.00176")
EEVE = _arxiv("EEVE 2024, Korean vocabulary expansion", "2402.14714")
ALMA = _arxiv("Xu et al. 2023, ALMA", "2309.11674")
DNA = _arxiv("DNA 2025, bilingual Korean 8B", "2501.10648")
MEDICAL = _arxiv("Jeong et al. 2024, Medical adaptation of LLMs", "2411.08870")
MEDPROMPT = _arxiv("Nori et al. 2023, Medprompt", "2311.16452")
ZEPHYR = _arxiv("Tunstall et al. 2023, Zephyr", "2310.16944")
ORPO_PAPER = _arxiv("Hong et al. 2024, ORPO", "2403.07691")
KTO_PAPER = _arxiv("Ethayarajh et al. 2024, KTO", "2402.01306")
DPO_PPO = _arxiv("Ivison et al. 2024, Unpacking DPO and PPO", "2406.09279")
INSTRUCT_GPT = _arxiv("Ouyang et al. 2022, InstructGPT", "2203.02155")
SAFETY_TUNED = _arxiv("Bianchi et al. 2023, Safety-tuned LLaMAs", "2309.07875")
COMPROMISES = _arxiv("Qi et al. 2023, Fine-tuning compromises safety", "2310.03693")
TRACES = _arxiv("2025, distillation against zero-RL", "2505.21067")
R1 = _arxiv("DeepSeek-AI 2025, DeepSeek-R1", "2501.12948")
STEP_BY_STEP = _arxiv("Hsieh et al. 2023, Distilling step-by-step", "2305.02301")
