-- Figures are summed by vendor as well: every week is counted again, beside the mail's way.
UPDATE figure_mark SET seq = 0;
