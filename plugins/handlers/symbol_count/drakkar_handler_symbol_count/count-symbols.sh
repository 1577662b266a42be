#!/bin/sh
# Prints the number of characters (not bytes) on standard input.
LC_ALL=C.UTF-8
export LC_ALL
exec wc -m
