"""What is reported of a run while it trains: to wandb, TensorBoard or trackio; figures only."""
