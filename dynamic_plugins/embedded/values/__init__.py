"""Values as people write them: numbers, times, places, currencies, sums; and what a parameter takes."""
