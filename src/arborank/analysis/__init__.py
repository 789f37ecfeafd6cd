"""What a fitted model shows of itself: reasons, senses, size against quality."""
