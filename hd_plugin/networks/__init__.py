"""Networks that the project trained itself: integers and batch-norm state (.npz) with a card each (.md)."""
