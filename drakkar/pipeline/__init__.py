"""From the messages of one partition to complete offsets."""
