-- owe_news: A program is owed the news that a fax is over.
INSERT INTO news (event, domain, kind, fax_id, tries, created_at, due_at, last_error)
VALUES (:event, :domain, :kind, :fax_id, 0, :now, :now, '');

-- owed_news: News to be told now, the longest waiting first.
SELECT * FROM news INDEXED BY news_by_due WHERE due_at <= :now ORDER BY due_at, id LIMIT :limit;

-- next_news: When the next news are to be told.
SELECT min(due_at) AS moment FROM news;

-- postpone_news: A program has not taken its news; they are told again later, as the same event.
UPDATE news SET tries = tries + 1, due_at = :until, last_error = :error WHERE id = :news_id;

-- forget_news: These news are told, or nobody will hear them.
DELETE FROM news WHERE id = :news_id;
