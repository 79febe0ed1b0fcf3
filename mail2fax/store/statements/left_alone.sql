-- leave_alone: These mails (a JSON list of keys) are left where they are from now on.
INSERT INTO left_alone (source_key, since)
SELECT DISTINCT value, :now FROM json_each(:source_keys)
WHERE NOT EXISTS (SELECT 1 FROM left_alone WHERE source_key = value);

-- left_alone: Which of these mails (a JSON list of keys) are left where they are.
SELECT source_key FROM left_alone WHERE source_key IN (SELECT value FROM json_each(:source_keys));
