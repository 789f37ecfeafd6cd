/* Prints the level of the processor that builds, for ARBORANK_LEVELS=native. */
#include <stdio.h>

#include "cpu_level.h"

int main(void) { return puts(cpu_level()) < 0; }
