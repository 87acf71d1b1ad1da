#!/bin/sh
# A node in the image: Node with the settings that spare memory and processor time where many nodes share a machine
# (docs/docker.md has what they buy). They are of the V8 in the base image.
#
#   max-semi-space-size                  MiB for new objects: a node makes little garbage
#   single-threaded-gc, concurrent-…     no threads to collect its few megabytes, and for the compiler's first stage: a node has
#                                        a part of one processor, and they would wake up for each
#   invocation-count-for-…               a function is optimised when it was called 25 times as often as usual: most of what a
#                                        node does it does once, when many join, and optimising it then takes longer than it
exec node \
  --max-semi-space-size=1 \
  --single-threaded-gc \
  --no-concurrent-sparkplug \
  --invocation-count-for-maglev=10000 \
  --invocation-count-for-turbofan=75000 \
  /app/dist/cli/main.js "$@"
