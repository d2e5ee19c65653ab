-- Orders to windows, all at one moment in one transaction. `names`: the windows' keys, sorted: rows are locked in that
-- order, so that no two batches wait for each other. `orders`, which name a window by its place (from 1) in `names`:
-- [{"take": tokens, "windows": [[place, requests|null, tokens|null, microseconds], …]}
--  | {"settle": tokens, "hits": [[place, hit], …]} | {"cancel": true, "hits": [[place, hit], …]}, …].
-- `given`: microseconds instead of this server's clock, for tests. Answers, as text: [{"hits": [id, …]}
--  | {"refused": place in the order (from 0), "what": "requests"|"tokens", "wait": microseconds} | null, …].
CREATE FUNCTION switchyard_windows_1(orders jsonb, names text[], given bigint) RETURNS text
LANGUAGE plpgsql SET lock_timeout = '900ms' AS $$
DECLARE
    moment bigint;
    answers text[] := '{}';
    answer text;
    entry jsonb;
    item jsonb;
    win routing_limitwindow%ROWTYPE;
    -- Each window, by its place in `names`; written back at the end.
    ids bigint[];
    counts bigint[];
    sums bigint[];
    fades bigint[];
    edges bigint[];
    place int;
    number int;
    hit_id bigint;
    hits bigint[];
    length bigint;
    most bigint;
    asked bigint;
    reserved bigint;
    excess bigint;
    lasts bigint;
    worst bigint;
    gone bigint;
    freed bigint;
BEGIN
    -- A crash of the server may forget the admissions of its last moments; waiting for the disk would cost more.
    PERFORM set_config('synchronous_commit', 'off', true);
    FOR place IN 1 .. cardinality(names) LOOP
        LOOP
            SELECT * INTO win FROM routing_limitwindow WHERE key = names[place] FOR UPDATE;
            EXIT WHEN FOUND;
            INSERT INTO routing_limitwindow (key, requests, tokens, fades_at) VALUES (names[place], 0, 0, 0)
                ON CONFLICT (key) DO NOTHING;
        END LOOP;
        ids[place] := win.id;
        counts[place] := win.requests;
        sums[place] := win.tokens;
        fades[place] := win.fades_at;
    END LOOP;
    -- Only now: while we waited, time went on.
    moment := coalesce(given, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);

    FOR entry IN SELECT value FROM jsonb_array_elements(orders) LOOP
        answer := 'null';
        IF entry ? 'take' THEN
            asked := (entry->>'take')::bigint;
            worst := NULL;
            number := 0;
            FOR item IN SELECT value FROM jsonb_array_elements(entry->'windows') LOOP
                place := (item->>0)::int;
                length := (item->>3)::bigint;
                IF edges[place] IS DISTINCT FROM moment - length THEN
                    edges[place] := moment - length;
                    WITH left_now AS (
                        DELETE FROM routing_limithit WHERE window_id = ids[place] AND at <= edges[place] RETURNING tokens
                    )
                    SELECT count(*), coalesce(sum(tokens), 0) INTO gone, freed FROM left_now;
                    counts[place] := counts[place] - gone;
                    sums[place] := sums[place] - freed;
                END IF;

                most := (item->>1)::bigint;
                IF counts[place] >= most THEN
                    SELECT at - moment INTO lasts FROM routing_limithit WHERE window_id = ids[place]
                        ORDER BY at, id OFFSET counts[place] - most LIMIT 1;
                    lasts := coalesce(lasts, 0) + length;
                    IF worst IS NULL OR lasts > worst THEN
                        worst := lasts;
                        answer := jsonb_build_object('refused', number, 'what', 'requests', 'wait', lasts);
                    END IF;
                END IF;

                most := (item->>2)::bigint;
                excess := CASE WHEN asked > most AND most > 0 THEN sums[place] ELSE sums[place] + asked - most END;
                IF excess > 0 THEN
                    SELECT coalesce(min(at) FILTER (WHERE total >= excess), max(at)) - moment INTO lasts FROM (
                        SELECT at, sum(tokens) OVER (ORDER BY at, id) AS total FROM (
                            SELECT at, id, tokens FROM routing_limithit WHERE window_id = ids[place]
                                ORDER BY at, id LIMIT 100
                        ) AS oldest
                    ) AS adding_up;
                    lasts := coalesce(lasts, 0) + length;
                    IF worst IS NULL OR lasts > worst THEN
                        worst := lasts;
                        answer := jsonb_build_object('refused', number, 'what', 'tokens', 'wait', lasts);
                    END IF;
                END IF;
                number := number + 1;
            END LOOP;

            IF worst IS NULL THEN
                hits := '{}';
                FOR item IN SELECT value FROM jsonb_array_elements(entry->'windows') LOOP
                    place := (item->>0)::int;
                    reserved := CASE WHEN item->>2 IS NULL THEN 0 ELSE asked END;
                    INSERT INTO routing_limithit (window_id, at, tokens) VALUES (ids[place], moment, reserved)
                        RETURNING id INTO hit_id;
                    hits := hits || hit_id;
                    counts[place] := counts[place] + 1;
                    sums[place] := sums[place] + reserved;
                    fades[place] := greatest(fades[place], moment + (item->>3)::bigint);
                END LOOP;
                answer := jsonb_build_object('hits', hits);
            END IF;
        ELSE
            asked := (entry->>'settle')::bigint;
            FOR item IN SELECT value FROM jsonb_array_elements(entry->'hits') LOOP
                place := (item->>0)::int;
                SELECT id, tokens INTO hit_id, reserved FROM routing_limithit
                    WHERE id = (item->>1)::bigint AND window_id = ids[place];
                IF NOT FOUND THEN
                    CONTINUE;  -- it has left, or was cancelled
                ELSIF asked IS NULL THEN
                    DELETE FROM routing_limithit WHERE id = hit_id;
                    counts[place] := counts[place] - 1;
                    sums[place] := sums[place] - reserved;
                ELSE
                    UPDATE routing_limithit SET tokens = asked WHERE id = hit_id;
                    sums[place] := sums[place] + asked - reserved;
                END IF;
            END LOOP;
        END IF;
        answers := array_append(answers, answer);
    END LOOP;

    FOR place IN 1 .. cardinality(names) LOOP
        UPDATE routing_limitwindow SET requests = counts[place], tokens = sums[place], fades_at = fades[place]
            WHERE id = ids[place]
            AND (requests, tokens, fades_at) IS DISTINCT FROM (counts[place], sums[place], fades[place]);
    END LOOP;
    RETURN '[' || array_to_string(answers, ',') || ']';
END $$
