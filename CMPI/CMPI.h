#pragma once
// Names for what Swift cannot import from <mpi.h>: Open MPI spells its handles as casts in macros.
// Everything else (functions, integer constants) Swift reads from <mpi.h> itself.

#include <mpi.h>

static inline MPI_Comm CMPI_COMM_WORLD(void) { return MPI_COMM_WORLD; }
static inline MPI_Comm CMPI_COMM_NULL(void) { return MPI_COMM_NULL; }
static inline MPI_Info CMPI_INFO_NULL(void) { return MPI_INFO_NULL; }
static inline MPI_Errhandler CMPI_ERRORS_RETURN(void) { return MPI_ERRORS_RETURN; }

static inline void *CMPI_IN_PLACE(void) { return MPI_IN_PLACE; }
static inline MPI_Status *CMPI_STATUS_IGNORE(void) { return MPI_STATUS_IGNORE; }
static inline MPI_Status *CMPI_STATUSES_IGNORE(void) { return MPI_STATUSES_IGNORE; }

static inline MPI_Datatype CMPI_FLOAT(void) { return MPI_FLOAT; }
static inline MPI_Datatype CMPI_DOUBLE(void) { return MPI_DOUBLE; }
static inline MPI_Datatype CMPI_INT8_T(void) { return MPI_INT8_T; }
static inline MPI_Datatype CMPI_UINT8_T(void) { return MPI_UINT8_T; }
static inline MPI_Datatype CMPI_UINT16_T(void) { return MPI_UINT16_T; }
static inline MPI_Datatype CMPI_INT32_T(void) { return MPI_INT32_T; }
static inline MPI_Datatype CMPI_UINT32_T(void) { return MPI_UINT32_T; }
static inline MPI_Datatype CMPI_INT64_T(void) { return MPI_INT64_T; }
static inline MPI_Datatype CMPI_UINT64_T(void) { return MPI_UINT64_T; }

static inline MPI_Op CMPI_SUM(void) { return MPI_SUM; }
static inline MPI_Op CMPI_MIN(void) { return MPI_MIN; }
static inline MPI_Op CMPI_MAX(void) { return MPI_MAX; }
