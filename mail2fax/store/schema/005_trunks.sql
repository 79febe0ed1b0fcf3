-- Several trunks: which one carried a call, and what an alarm is about where its cause does not say it alone.
-- '' for calls and alarms from before this step.
ALTER TABLE attempts ADD COLUMN trunk TEXT NOT NULL DEFAULT '';
ALTER TABLE alarms ADD COLUMN subject TEXT NOT NULL DEFAULT '';

DROP INDEX alarms_by_cause;
CREATE INDEX alarms_by_cause ON alarms (cause, subject, raised_at);
