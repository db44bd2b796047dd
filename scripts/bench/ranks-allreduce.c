// What MPI itself takes for the sum of so many bytes of float32, as the plan's exchange has them made: in place. Arguments: seconds
// for each, bytes... Prints the median of its parts and what nine of ten are above, in seconds.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTS 30

static int compare(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

int main(int argc, char** argv) {
  int level, rank;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (int i = 2; i < argc; ++i) {
    const int n = atoi(argv[i]) / 4;
    float* values = calloc(n, sizeof *values);
    double parts[PARTS], repetitions = 1;
    for (int part = -2; part < PARTS; ++part) {  // the first one warms up, the second one counts
      MPI_Barrier(MPI_COMM_WORLD);
      const double start = MPI_Wtime();
      for (int k = 0; k < repetitions; ++k)
        MPI_Allreduce(MPI_IN_PLACE, values, n, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
      double taken = (MPI_Wtime() - start) / repetitions;
      MPI_Bcast(&taken, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
      if (part >= 0) parts[part] = taken;
      if (part == -1) {
        repetitions = atof(argv[1]) / PARTS / taken;
        if (repetitions < 1) repetitions = 1;
      }
    }
    qsort(parts, PARTS, sizeof *parts, compare);
    if (rank == 0) printf("%s %.9f %.9f\n", argv[i], parts[PARTS / 2], parts[PARTS / 10]);
    free(values);
  }
  MPI_Finalize();
}
