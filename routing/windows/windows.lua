-- Orders to windows, all at one moment. ARGV[1]: as for PostgreSQL (routing/windows/postgresql.py), but a take brings the
-- id of its hits, and {"read": true, "windows": …} is known too. ARGV[2]: microseconds instead of Redis's clock, or "".
-- Answers as JSON: an object each; `hits` true, or `refused`, `what`, `wait` (microseconds), or what was read.
-- A window is a sorted set of ids by moment, and a hash of tokens by id whose field "" is their sum.
local moment
if ARGV[2] ~= '' then
  moment = tonumber(ARGV[2])
else
  local time = redis.call('TIME')
  moment = time[1] * 1000000 + time[2]
end
-- tostring() keeps 14 digits only; -0 + 0 is 0.
local function whole(number) return string.format('%.0f', number + 0) end

local function ages_of(key) return 'switchyard:hits:' .. key end
local function tokens_of(key) return 'switchyard:tokens:' .. key end

local function take_out(key, ids)
  redis.call('ZREM', ages_of(key), unpack(ids))
  if redis.call('EXISTS', tokens_of(key)) == 0 then return end
  local freed = 0
  for _, tokens in ipairs(redis.call('HMGET', tokens_of(key), unpack(ids))) do
    freed = freed + (tonumber(tokens) or 0)
  end
  redis.call('HDEL', tokens_of(key), unpack(ids))
  redis.call('HINCRBY', tokens_of(key), '', whole(-freed))
end

local function current(key, length)
  while true do
    local old = redis.call('ZRANGEBYSCORE', ages_of(key), '-inf', whole(moment - length), 'LIMIT', 0, 1000)
    if #old == 0 then break end
    take_out(key, old)
  end
  return redis.call('ZCARD', ages_of(key)), tonumber(redis.call('HGET', tokens_of(key), '') or '0')
end

local function until_requests(key, length, over)
  local found = redis.call('ZRANGE', ages_of(key), over - 1, over - 1, 'WITHSCORES')
  return (found[2] and found[2] - moment or 0) + length
end

local function until_tokens(key, length, over)
  local found = redis.call('ZRANGE', ages_of(key), 0, 99, 'WITHSCORES')
  local last = moment
  for place = 1, #found, 2 do
    last = tonumber(found[place + 1])
    over = over - (tonumber(redis.call('HGET', tokens_of(key), found[place]) or '0'))
    if over <= 0 then break end
  end
  return last - moment + length
end

local function refusal(place, window, asked)
  local key, requests, tokens, length = window[1], window[2], window[3], window[4]
  local used, used_tokens = current(key, length)
  local worst
  if requests ~= cjson.null and used >= requests then
    worst = { refused = place, what = 'requests', wait = until_requests(key, length, used - requests + 1) }
  end
  if tokens ~= cjson.null then
    local over = used_tokens + asked - tokens
    if asked > tokens and tokens > 0 then over = used_tokens end
    if over > 0 then
      local wait = until_tokens(key, length, over)
      if not worst or wait > worst.wait then worst = { refused = place, what = 'tokens', wait = wait } end
    end
  end
  return worst
end

local function take(order)
  local worst
  for place, window in ipairs(order.windows) do
    local found = refusal(place - 1, window, order.take)
    if found and (not worst or found.wait > worst.wait) then worst = found end
  end
  if worst then return worst end
  for _, window in ipairs(order.windows) do
    local key, lasts = window[1], whole(math.ceil(window[4] / 1000) + 1000)
    redis.call('ZADD', ages_of(key), whole(moment), order.id)
    redis.call('PEXPIRE', ages_of(key), lasts)
    if window[3] ~= cjson.null then
      redis.call('HSET', tokens_of(key), order.id, whole(order.take))
      redis.call('HINCRBY', tokens_of(key), '', whole(order.take))
    end
    redis.call('PEXPIRE', tokens_of(key), lasts)
  end
  return { hits = true }
end

local function settle(key, id, tokens)
  local reserved = redis.call('HGET', tokens_of(key), id)
  if reserved then
    redis.call('HSET', tokens_of(key), id, whole(tokens))
    redis.call('HINCRBY', tokens_of(key), '', whole(tokens - reserved))
  end
end

local function read(windows)
  local answers = {}
  for place, window in ipairs(windows) do
    local used, used_tokens = current(window[1], window[4])
    local oldest = redis.call('ZRANGE', ages_of(window[1]), 0, 0, 'WITHSCORES')[2]
    answers[place] = { used, used_tokens, oldest and moment - oldest or -1 }
  end
  return { read = answers }
end

local answers = {}
for number, order in ipairs(cjson.decode(ARGV[1])) do
  local answer = { done = true }
  if order.take then
    answer = take(order)
  elseif order.read then
    answer = read(order.windows)
  else
    for _, hit in ipairs(order.hits) do
      if order.settle then settle(hit[1], hit[2], order.settle) else take_out(hit[1], { hit[2] }) end
    end
  end
  answers[number] = answer
end
return cjson.encode(answers)
