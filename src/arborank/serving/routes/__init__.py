"""What happens on every route, by what is done there: asking models, looking at them, changing them."""
