/* ---
title: Observed figure
unit: ""
direction: higher_is_better
function: general
datasets:
  required: [observations]
parameters:
  measure:
    type: text
    meaning: The measure's name in the observations.
  unit:
    type: text
    default: ""
    meaning: Unit that the figure is shown with.
  direction:
    type: choice
    choices: [higher_is_better, lower_is_better]
    default: higher_is_better
    meaning: Which way the figure is better.
definition: >
  A figure that was typed in for the period, with the document that proves it. It is not computed
  from the ledger and always shown as typed in.
source: The contract, which says who observes the measure and how
drill_down: The observation (numerator, value) with its document.
--- */
WITH
contributions AS (
  SELECT measure, period, document, value AS numerator
  FROM observations
  WHERE measure = $measure AND period = $period_label
)
-- figure
SELECT sum(numerator) AS numerator, count(*) AS ledger_rows FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY measure, period, document
