"""What an action did, in data where no lot was drawn: weights, balance and estimates of arrays."""
