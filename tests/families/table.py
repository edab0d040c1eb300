"""At least forty architectures, each as a tiny random model: what people's models are made of, without one of them.

A line names a model type of transformers, and what its configuration needs beside the common sizes to be small.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

COMMON: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
}
OLD = {"head_dim": ..., "num_key_value_heads": ...}
"""Keys that an older configuration does not know: `...` leaves one out."""
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
LATENT = {
    "num_key_value_heads": 4,
    "q_lora_rank": 12,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 4,
    "v_head_dim": 8,
    "head_dim": ...,
}
ROUTED = {
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "num_experts_per_tok": 2,
    "n_group": 1,
    "topk_group": 1,
    "moe_intermediate_size": 24,
    "first_k_dense_replace": 1,
}
TABLE: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {"sliding_window": 8},
    "ministral": {"sliding_window": 8},
    "mixtral": {"num_local_experts": 4, "sliding_window": None},
    "qwen2": {},
    "qwen2_moe": {**EXPERTS, "shared_expert_intermediate_size": 24},
    "qwen3": {},
    "qwen3_moe": EXPERTS,
    "qwen3_next": {
        **EXPERTS,
        "shared_expert_intermediate_size": 24,
        "linear_num_value_heads": 4,
        "linear_num_key_heads": 2,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
        "layer_types": ["linear_attention", "full_attention"],
    },
    "gemma": {},
    "gemma2": {"sliding_window": 8, "query_pre_attn_scalar": 8},
    "gemma3_text": {"sliding_window": 8, "query_pre_attn_scalar": 8, "layer_types": ["sliding_attention", "full_attention"]},
    "recurrent_gemma": {
        "lru_width": 32,
        "attention_window_size": 16,
        "block_types": ["recurrent", "attention"],
        "num_key_value_heads": 1,
    },
    "phi": {},
    "phi3": {"sliding_window": None},
    "phimoe": {"num_local_experts": 4, "head_dim": ...},
    "olmo": {},
    "olmo2": {},
    "olmo3": {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]},
    "olmoe": {"num_experts": 4, "num_experts_per_tok": 2},
    "gpt2": {**OLD, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256},
    "gpt_neo": {**OLD, "num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]], "window_size": 8},
    "gptj": {**OLD, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256, "rotary_dim": 4},
    "gpt_neox": OLD,
    "gpt_bigcode": {**OLD, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256},
    "gpt_oss": {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 8},
    "opt": {**OLD, "ffn_dim": 48, "word_embed_proj_dim": 32},
    "bloom": {**OLD, "n_layer": 2, "n_head": 4},
    "mpt": {**OLD, "d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 256},
    "falcon": {**OLD, "alibi": False},
    "codegen": {**OLD, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256, "rotary_dim": 4},
    "stablelm": {},
    "starcoder2": {"sliding_window": None},
    "cohere": {},
    "cohere2": {"sliding_window": 8},
    "granite": {},
    "granitemoe": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "granitemoehybrid": {
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "shared_intermediate_size": 24,
        "layer_types": ["mamba", "attention"],
        "mamba_n_heads": 4,
        "mamba_d_head": 16,
        "mamba_d_state": 8,
        "mamba_chunk_size": 8,
    },
    "glm": {},
    "glm4": {},
    "glm4_moe": {**ROUTED},
    "nemotron": {},
    "nemotron_h": {
        "layers_block_type": ["mamba", "attention"],
        "num_hidden_layers": ...,
        "mamba_num_heads": 4,
        "mamba_head_dim": 16,
        "ssm_state_size": 8,
        "n_groups": 1,
        "chunk_size": 8,
    },
    "exaone4": {"sliding_window": 8, "sliding_window_pattern": 2, "layer_types": ["sliding_attention", "full_attention"]},
    "ernie4_5": {},
    "smollm3": {},
    "helium": {},
    "arcee": {},
    "seed_oss": {},
    "minicpm3": LATENT,
    "deepseek_v2": {**LATENT, **ROUTED, "topk_method": "greedy"},
    "deepseek_v3": {**LATENT, **ROUTED},
    "jamba": {
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "expert_layer_period": 2,
        "expert_layer_offset": 1,
        "num_experts": 4,
        "mamba_d_state": 8,
        "mamba_dt_rank": 4,
        "use_mamba_kernels": False,
    },
    "zamba2": {
        "num_hidden_layers": 3,
        "layers_block_type": ["mamba", "hybrid", "mamba"],
        "num_mem_blocks": 1,
        "mamba_d_state": 8,
        "n_mamba_heads": 4,
        "mamba_ngroups": 1,
        "chunk_size": 8,
        "head_dim": ...,
        "num_key_value_heads": 4,
    },
    "bamba": {
        "attn_layer_indices": [1],
        "mamba_n_heads": 4,
        "mamba_d_head": 16,
        "mamba_d_state": 8,
        "mamba_chunk_size": 8,
    },
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "mamba": {**OLD, "state_size": 8},
    "mamba2": {**OLD, "state_size": 8, "num_heads": 4, "head_dim": 16, "n_groups": 1, "chunk_size": 8},
    "falcon_mamba": {**OLD, "state_size": 8},
    "rwkv": {**OLD, "attention_hidden_size": 32},
    "xglm": {**OLD, "d_model": 32, "num_layers": 2, "attention_heads": 4, "ffn_dim": 48},
    "biogpt": OLD,
    "persimmon": OLD,
}
FEW = (
    "llama",
    "mistral",
    "qwen3_moe",
    "gemma2",
    "gpt2",
    "gpt_neox",
    "opt",
    "bloom",
    "mixtral",
    "deepseek_v2",
    "mamba",
    "jamba",
)
"""What the ordinary tests take: each kind of cache, of names and of positions once."""


def config_of(kind: str, vocabulary: int, **more: Any) -> Any:
    """The small configuration of one line of the table, or a variation of it."""
    settings = {key: value for key, value in {**COMMON, **TABLE[kind], **more}.items() if value is not ...}
    return AutoConfig.for_model(kind, vocab_size=vocabulary, **settings)


def model_of(kind: str, vocabulary: int, **more: Any) -> PreTrainedModel:
    """A random model of one line, the same each time, with weights large enough that contexts matter."""
    torch.manual_seed(0)
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config_of(kind, vocabulary, **more), dtype=torch.float32).eval()
    tied = model.get_input_embeddings().weight if model.config.tie_word_embeddings else None
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1 and parameter is not tied:  # a tied one that is large says its input again
                parameter.mul_(4)
    return model
