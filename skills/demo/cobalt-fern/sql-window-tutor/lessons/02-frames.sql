-- Question: two rows share day 2. Why do both show 36 in the first column and not in the second?
SELECT
    day,
    sold,
    sum(sold) OVER (ORDER BY day) AS peers_together,
    sum(sold) OVER (ORDER BY day ROWS UNBOUNDED PRECEDING) AS row_by_row
FROM (VALUES (1, 12), (2, 9), (2, 15), (3, 4)) AS bakery (day, sold);
