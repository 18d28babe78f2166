"""Where a latency is counted: HdrHistogram's own bucket formula, without HdrHistogram.

A worker counts into a plain list of `COUNTS_LENGTH` zeros, because `HdrHistogram.record_value`
costs about 2 µs a call and drops a value out of range without a word. This module imports nothing,
so that a worker process starts fast; `histograms` turns the counts into files.
"""

LOWEST_US = 1
HIGHEST_US = 3_600_000_000
SIGNIFICANT_DIGITS = 3

# Three digits need 2,000 distinct values in a bucket; the next power of two is 2,048. Every bucket
# but the first uses only its upper half, since the lower one is the bucket before it.
SUB_BUCKET_BITS = 11
SUB_BUCKET_MASK = (1 << SUB_BUCKET_BITS) - 1
HALF_BUCKET_BITS = SUB_BUCKET_BITS - 1

_BUCKETS = HIGHEST_US.bit_length() - SUB_BUCKET_BITS + 1
COUNTS_LENGTH = (_BUCKETS + 1) << HALF_BUCKET_BITS


def counts_index(value_us: int) -> int:
    """The place of a latency in a list of counts; exact below 2,048 µs, within 0.1% above.

    The value must lie in 0…`HIGHEST_US`: `clamp_us` sees to that. A loop that cannot afford the
    call inlines these two lines.
    """
    bucket = (value_us | SUB_BUCKET_MASK).bit_length() - SUB_BUCKET_BITS
    return (bucket << HALF_BUCKET_BITS) + (value_us >> bucket)


def clamp_us(value_us: int) -> int:
    """The nearest latency that can be counted; whoever clamps one counts that it did."""
    return min(max(value_us, 0), HIGHEST_US)
