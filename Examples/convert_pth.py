#!/usr/bin/env python3
"""Turns a PyTorch checkpoint (.pth, .pt) into the .safetensors that `salad import` and `--initial-weights` read.

    pip install torch safetensors
    python3 convert_pth.py published.pth model.safetensors
    python3 convert_pth.py published.pth model.safetensors --key net --bank-key memory --bank bank.safetensors

Only tensors are read (`torch.load(weights_only=True)`): a checkpoint cannot run code here. A state dict may lie at the top
of the file or under a key, which is found when it is one of the usual ones and given by --key otherwise. The prefix
`module.` of DataParallel is dropped, numbers become 32-bit floats, counts 64-bit integers; names and values stay as they
are, so `salad import` judges them. --bank-key also takes a memory bank, (rows, dimension), whose rows are normalised.
"""

import argparse
import sys

import torch
from safetensors.torch import save_file

USUAL_KEYS = ("state_dict", "model_state_dict", "model", "net", "network", "autoencoder")


def is_state_dict(value: object) -> bool:
    return isinstance(value, dict) and len(value) > 0 and all(torch.is_tensor(tensor) for tensor in value.values())


def find_state_dict(checkpoint: object, key: str | None, path: str) -> dict[str, torch.Tensor]:
    if key is not None:
        if not isinstance(checkpoint, dict) or not is_state_dict(checkpoint.get(key)):
            sys.exit(f"{path}: expected tensors under the key {key}, found {describe(checkpoint)}")
        return checkpoint[key]
    if is_state_dict(checkpoint):
        return checkpoint
    found = [key for key in USUAL_KEYS if isinstance(checkpoint, dict) and is_state_dict(checkpoint.get(key))]
    if len(found) != 1:
        sys.exit(f"{path}: expected one state dict, found {describe(checkpoint)}: give its --key")
    return checkpoint[found[0]]


def describe(checkpoint: object) -> str:
    return f"the keys {', '.join(map(str, checkpoint))}" if isinstance(checkpoint, dict) else type(checkpoint).__name__


def converted(tensor: torch.Tensor) -> torch.Tensor:
    kind = torch.float32 if tensor.is_floating_point() else torch.int64
    # A copy of its own: safetensors refuses tensors that share memory.
    return tensor.detach().to(kind).contiguous().clone()


def find_bank(checkpoint: object, key: str, path: str) -> torch.Tensor:
    bank = checkpoint.get(key) if isinstance(checkpoint, dict) else None
    if isinstance(bank, dict):  # a module that holds the bank as its one buffer
        matrices = [tensor for tensor in bank.values() if torch.is_tensor(tensor) and tensor.ndim == 2]
        bank = matrices[0] if len(matrices) == 1 else None
    if not torch.is_tensor(bank) or bank.ndim != 2:
        sys.exit(f"{path}: expected a bank (rows, dimension) under the key {key}, found {describe(checkpoint)}")
    return torch.nn.functional.normalize(bank.detach().double(), dim=1).float().contiguous()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="the .pth file")
    parser.add_argument("model", help="the .safetensors file to write")
    parser.add_argument("--key", help="where in the checkpoint the state dict lies")
    parser.add_argument("--bank-key", help="where in the checkpoint the memory bank lies")
    parser.add_argument("--bank", help="the .safetensors file to write the bank to")
    arguments = parser.parse_args()
    if (arguments.bank_key is None) != (arguments.bank is None):
        parser.error("--bank-key and --bank go together")

    checkpoint = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
    state = find_state_dict(checkpoint, arguments.key, arguments.checkpoint)
    tensors = {name.removeprefix("module."): converted(tensor) for name, tensor in state.items()}
    save_file(tensors, arguments.model)
    print(f"{arguments.model}: {len(tensors)} tensors")
    if arguments.bank is not None:
        bank = find_bank(checkpoint, arguments.bank_key, arguments.checkpoint)
        save_file({"bank": bank}, arguments.bank)
        print(f"{arguments.bank}: a bank of {bank.shape[0]} rows of {bank.shape[1]}")


if __name__ == "__main__":
    main()
