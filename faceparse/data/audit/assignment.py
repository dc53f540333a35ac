"""The assignment problem: each row gets a column of its own, at the least total cost."""
import numpy as np


def assignment(costs):
    """(N,) column of each row: the assignment of least total cost of costs (N, N) (Kuhn 1955, with potentials)."""
    n = len(costs)
    of_row, of_column = np.zeros(n + 1), np.zeros(n + 1)
    row_of = np.zeros(n + 1, int)  # row of each column, both counted from 1; 0: none
    for row in range(1, n + 1):
        row_of[0], column = row, 0
        least, before, used = np.full(n + 1, np.inf), np.zeros(n + 1, int), np.zeros(n + 1, bool)
        while row_of[column]:
            used[column] = True
            free = np.flatnonzero(~used[1:]) + 1
            reduced = costs[row_of[column] - 1, free - 1] - of_row[row_of[column]] - of_column[free]
            closer = reduced < least[free]
            least[free[closer]], before[free[closer]] = reduced[closer], column
            after = free[least[free].argmin()]
            step = least[after]
            of_row[row_of[used]] += step
            of_column[used] -= step
            least[free] -= step
            column = after
        while column:
            row_of[column], column = row_of[before[column]], before[column]
    columns = np.empty(n, int)
    columns[row_of[1:] - 1] = np.arange(n)
    return columns
