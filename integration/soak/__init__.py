"""Workers on Kafka with every sink, while servers and workers fail: is anything lost?"""
