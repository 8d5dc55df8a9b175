import type { RedisConnection } from "./redis-client.ts";

/** Runs scripts by their digest. Sends the whole script only if Redis does not have it yet. */
export class RedisScripts {
  readonly #redis: RedisConnection;
  readonly #digests = new Map<string, Promise<string>>();
  /** The pending calls that send a whole script, by digest. */
  readonly #sending = new Map<string, Promise<unknown>>();

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async run(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const digest = await this.#digestOf(script);
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await this.#redis.call("EVALSHA", digest, ...rest);
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
    }
    // Of many calls at once, only the first sends the whole script.
    const sending = this.#sending.get(digest);
    if (sending === undefined) return this.#send(digest, script, rest);
    await sending.catch(() => {});
    return this.#redis.call("EVALSHA", digest, ...rest).catch((error: unknown) => {
      // Another master of a cluster may have got the script.
      if (isUnknownScript(error)) return this.#redis.call("EVAL", script, ...rest);
      throw error;
    });
  }

  #send(digest: string, script: string, rest: readonly string[]): Promise<unknown> {
    const sending = this.#redis.call("EVAL", script, ...rest);
    this.#sending.set(digest, sending);
    const forget = (): void => void this.#sending.delete(digest);
    sending.then(forget, forget);
    return sending;
  }

  /** Runs a short script without its digest, so that no call is repeated after a later call. */
  runInline(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.#redis.call("EVAL", script, String(keys.length), ...keys, ...args);
  }

  #digestOf(script: string): Promise<string> {
    const known = this.#digests.get(script);
    if (known !== undefined) return known;
    const digest = sha1(script);
    this.#digests.set(script, digest);
    return digest;
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/*
 * Redis runs each of these scripts as one atomic step. All keys of a script belong to one topic, and have its
 * name as their hash tag, so a cluster keeps them on one master.
 *
 * A topic is a hash `meta` (epoch, offset, bytes, replid) and a stream `log`. The ID of an entry of the stream is
 * its offset, and its fields are `payload`, `length` and `at`. The scripts skip entries of other programs, and
 * entries without one of these fields. An unused stream expires; then the topic starts in another epoch.
 */

/**
 * Finds the epoch and the last offset of a topic. After a restart, Redis may have lost writes that were not on
 * disk, or not on the replica that replaced it. The topic then continues in another epoch. A master has another
 * `replid` after each start and each promotion, also if the same server is promoted again. `replid` is empty with
 * `isDurable`.
 */
const OPEN = `
local function text(number) return string.format('%.0f', number) end

local function read_replid(checks_replid)
  if checks_replid ~= '1' then return '' end
  return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
    -- Of a server without replication.
    or string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end

local function open_topic(meta, log, fresh_epoch, replid)
  local state = redis.call('HMGET', meta, 'epoch', 'offset', 'replid')
  local epoch, last = state[1], tonumber(state[2])
  local is_readable = epoch and string.match(epoch, '^[%w_-]+$') and #epoch <= 64
    and last and last >= 0 and last < 9007199254740991 and last % 1 == 0
  if not is_readable then
    -- Before other commands, because when memory is full Redis only continues scripts that have written.
    redis.call('HSET', meta, 'epoch', fresh_epoch, 'offset', '0', 'bytes', '0', 'replid', replid)
    redis.call('DEL', log)
    return fresh_epoch, 0
  end
  if replid ~= '' and state[3] ~= replid then
    redis.call('HSET', meta, 'epoch', fresh_epoch, 'replid', replid)
    return fresh_epoch, last
  end
  return epoch, last
end

-- The fields of an entry of the log, by name. The entry may come from another program.
local function fields_of(entry)
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  return fields
end

local function bytes_of(entry)
  local length = fields_of(entry).length or ''
  return #length <= 15 and string.match(length, '^%d+$') and tonumber(length) or 0
end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`;

/**
 * Stores a publication, and publishes it to the channel. KEYS: meta, log, id. ARGV: payload, its length,
 * size, bytes, ageMs, idWindowMs, metaTtlMs, a fresh epoch, whether to compare the replid, channel, deadline.
 * Returns the epoch, the offset, `new`, `known` or `late`, and the time of Redis in milliseconds. `late` means that
 * the deadline has passed and nothing is stored.
 */
export const PUBLISH: string = `${OPEN}
local meta, log, known = KEYS[1], KEYS[2], KEYS[3]
local now = text(now_ms())
local first = redis.call('GET', known)
if first then
  local epoch, offset = string.match(first, '^(.*):(%d+)$')
  return {epoch, offset, 'known', now}
end
if tonumber(now) > tonumber(ARGV[11]) then return {'', '', 'late', now} end
local epoch, last = open_topic(meta, log, ARGV[8], read_replid(ARGV[9]))
local offset = text(last + 1)
local length, size, bytes = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function append()
  return redis.pcall('XADD', log, offset .. '-0', 'payload', ARGV[1], 'length', ARGV[2], 'at', now)
end
local added = append()
if type(added) == 'table' and added.err and string.find(added.err, 'XADD', 1, true) then
  -- Another program has added entries after the last offset. Skip one offset, so that subscribers notice that
  -- a publication is missing.
  for _, entry in ipairs(redis.call('XRANGE', log, offset .. '-0', '+')) do
    redis.call('XDEL', log, entry[1])
  end
  local moved = redis.pcall('XSETID', log, offset .. '-0')
  offset = text(last + 2)
  if moved.err then
    epoch = ARGV[8]
    redis.call('DEL', log)
    redis.call('HSET', meta, 'epoch', epoch)
  end
  added = append()
end
if type(added) == 'table' and added.err then return added end
redis.call('HSET', meta, 'offset', offset)
local count = redis.call('XLEN', log)
if count == 1 then redis.call('HSET', meta, 'bytes', '0') end
local total = redis.call('HINCRBY', meta, 'bytes', ARGV[2])
while count > 1 and (count > size or total > bytes) do
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  redis.call('XDEL', log, oldest[1])
  total = redis.call('HINCRBY', meta, 'bytes', text(0 - bytes_of(oldest)))
  count = count - 1
end
redis.call('PEXPIRE', log, ARGV[5])
redis.call('PEXPIRE', meta, ARGV[7])
redis.call('SET', known, epoch .. ':' .. offset, 'PX', ARGV[6])
redis.call('PUBLISH', ARGV[10], epoch .. ':' .. offset .. ' ' .. ARGV[1])
return {epoch, offset, 'new', now}
`;

/**
 * Reads publications. KEYS: meta, log. ARGV: the first offset to read, or an empty string for the latest
 * publications; limit, ageMs, metaTtlMs, a fresh epoch, whether to compare the replid. Returns the epoch, the last
 * offset, then the offset and the payload of each entry. The latest publications come in descending order.
 */
export const HISTORY: string = `${OPEN}
local meta, log = KEYS[1], KEYS[2]
local epoch, offset = open_topic(meta, log, ARGV[5], read_replid(ARGV[6]))
redis.call('PEXPIRE', meta, ARGV[4])
local reply = {epoch, text(offset)}
if ARGV[2] == '0' then return reply end
local entries
if ARGV[1] == '' then
  entries = redis.call('XREVRANGE', log, text(offset) .. '-0', '-', 'COUNT', ARGV[2])
else
  entries = redis.call('XRANGE', log, ARGV[1] .. '-0', text(offset) .. '-0', 'COUNT', ARGV[2])
end
local oldest_ms = now_ms() - tonumber(ARGV[3])
for _, entry in ipairs(entries) do
  local at = string.match(entry[1], '^(%d+)-0$')
  local fields = fields_of(entry)
  local stored_ms = tonumber(fields.at)
  if at and fields.payload and stored_ms and stored_ms > oldest_ms then
    reply[#reply + 1] = at
    reply[#reply + 1] = fields.payload
  end
end
return reply
`;

/**
 * Publishes a volatile message. KEYS: channel. ARGV: message. It is a script with the channel as its key, so
 * that a cluster runs it for all messages of a topic on the same master. This keeps the order of the
 * messages.
 */
export const SEND: string = `redis.call('PUBLISH', KEYS[1], ARGV[1])`;

/**
 * Removes expired presence entries. Presence is a sorted set `ends` of keys by their expiry time, and a hash
 * `values`.
 */
const PRESENCE = `
local ends, values = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
for _, key in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now_ms)) do
  redis.call('ZREM', ends, key)
  redis.call('HDEL', values, key)
end
`;

/** Adds or renews a presence entry. KEYS: ends, values. ARGV: key, value, ttlMs, channel. */
export const ENTER: string = `${PRESENCE}
local is_same = redis.call('HGET', values, ARGV[1]) == ARGV[2]
redis.call('ZADD', ends, now_ms + tonumber(ARGV[3]), ARGV[1])
redis.call('HSET', values, ARGV[1], ARGV[2])
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < tonumber(ARGV[3]) then redis.call('PEXPIRE', key, ARGV[3]) end
end
if not is_same then redis.call('PUBLISH', ARGV[4], '') end
`;

/** Removes a presence entry. KEYS: ends, values. ARGV: key, channel. */
export const LEAVE: string = `${PRESENCE}
redis.call('HDEL', values, ARGV[1])
if redis.call('ZREM', ends, ARGV[1]) == 1 then redis.call('PUBLISH', ARGV[2], '') end
`;

/** Reads the presence entries. KEYS: ends, values. Returns keys and values in turn. */
export const MEMBERS: string = `${PRESENCE}
return redis.call('HGETALL', values)
`;

/** Returns a script that publishes to a sharded channel instead. */
export function withShardedChannel(script: string): string {
  return script.replaceAll("redis.call('PUBLISH'", "redis.call('SPUBLISH'");
}
