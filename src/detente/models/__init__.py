"""The models: arrays in, arrays out. Each file reads like its paper."""
