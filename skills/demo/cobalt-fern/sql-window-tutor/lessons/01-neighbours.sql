-- Question: which day sold more than the day before?
-- Guess first: does the first day have a day before?
SELECT
    day,
    sold,
    lag(sold) OVER (ORDER BY day) AS the_day_before,
    sold > lag(sold) OVER (ORDER BY day) AS is_better
FROM (VALUES (1, 12), (2, 9), (3, 15)) AS bakery (day, sold);
