import sys

from tests.memory.measuring import main

main(float(sys.argv[1]), sys.argv[2:])
