"""The door to Telegram: receives what people write, and reaches them."""
