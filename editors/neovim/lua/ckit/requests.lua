--- Requests to the daemon that run: their streamed parts, their progress, and their end, which always comes once.
local M = {}

---@class ckit.Problem
---@field code string stable name, e.g. `not_found`
---@field message string for people

---@class ckit.Request
---@field cancel fun() ends it; its `done` is called with the problem `cancelled`

---@class ckit.RequestOptions
---@field on_part? fun(value: any) takes parts of the answer as they come
---@field quiet? boolean leave it to `done` to speak of a problem

---@alias ckit.Done fun(result?: table, problem?: ckit.Problem)

---@class ckit.Running
---@field client integer
---@field finish ckit.Done
---@field cancel fun()

local PART = 'ckit-part-%d'
local WORK = 'ckit-work-%d'

--- What answers at once, and refuses a token for its progress.
local INSTANT = {
  '^ckit/approval/',
  '^ckit/provider/list$',
  '^ckit/session/[adefglr]', -- All but `create`.
  '^ckit/turn/steer$',
}

---@type table<string, fun(value: any)> takes of partial results by token
local parts = {}
---@type table<integer, ckit.Running>
local running = {}
---@type table<string, { client: integer, text: string }> what is under way by token
local progress = {}
local last = 0

--- Call a method of a client, which were plain functions before Neovim 0.11.
---@param client vim.lsp.Client
---@param name string
---@return any ...
function M.call(client, name, ...)
  if vim.fn.has('nvim-0.11') == 1 then
    return client[name](client, ...)
  end
  return client[name](...)
end

---@param client vim.lsp.Client
---@param send fun()
local function when_ready(client, send)
  if client.initialized then
    send()
    return
  end
  -- A request before the answer to initialize would be refused.
  local timer = assert(vim.uv.new_timer())
  timer:start(10, 10, vim.schedule_wrap(function()
    if not timer:is_closing() and (client.initialized or M.call(client, 'is_stopped')) then
      timer:close()
      send()
    end
  end))
end

---@param method string
---@return boolean
local function is_instant(method)
  return vim.iter(INSTANT):any(function(pattern)
    return method:match(pattern) ~= nil
  end)
end

--- Send a request.
---@param client vim.lsp.Client
---@param method string
---@param params table
---@param done ckit.Done
---@param options? ckit.RequestOptions
---@return ckit.Request
function M.send(client, method, params, done, options)
  last = last + 1
  local number, id = last, nil
  local part, work = PART:format(number), WORK:format(number)
  params = vim.tbl_extend('keep', params, next(params) and {} or vim.empty_dict())
  if not is_instant(method) then
    params.workDoneToken = work
  end
  if options and options.on_part then
    parts[part] = options.on_part
    params.partialResultToken = part
  end
  local function finish(result, problem)
    if running[number] then
      running[number], parts[part], progress[work] = nil, nil, nil
      done(result, problem)
    end
  end
  local function answered(err, result)
    if err then
      local code = type(err.data) == 'table' and err.data.code or 'unknown'
      finish(nil, { code = code, message = err.message })
    else
      finish(result)
    end
  end
  local function cancel()
    if id then
      M.call(client, 'cancel_request', id)
    end
    -- Neovim keeps the answer to a cancelled request to itself, so nobody else would clean up.
    finish(nil, { code = 'cancelled', message = 'The request was cancelled.' })
  end
  running[number] = { client = client.id, finish = finish, cancel = cancel }
  when_ready(client, function()
    if not running[number] then
      return
    end
    local sent
    -- Without a buffer, what was typed in all of them is sent before.
    sent, id = M.call(client, 'request', method, params, answered)
    if not sent then
      finish(nil, { code = 'unavailable', message = 'The daemon does not run; `:Ckit restart` starts it again.' })
    end
  end)
  return { cancel = cancel }
end

--- End everything that runs.
---@return integer count
function M.cancel_all()
  local all = vim.tbl_values(running)
  for _, each in ipairs(all) do
    each.cancel()
  end
  return #all
end

--- Nobody answers any more: the daemon is gone, and Neovim forgets what was asked.
---@param client integer
function M.gone(client)
  for token, each in pairs(progress) do
    if each.client == client then
      progress[token] = nil
    end
  end
  for _, each in ipairs(vim.tbl_values(running)) do
    if each.client == client then
      each.finish(nil, { code = 'unavailable', message = 'The daemon ended; `:Ckit restart` starts it again.' })
    end
  end
end

--- Take `$/progress`.
function M.on_progress(err, params, context)
  local token, value = params.token, params.value
  if parts[token] then
    parts[token](value)
  elseif value.kind then
    local text = value.message or value.title
    if value.kind == 'end' then
      progress[token] = nil
    elseif text and text ~= '' then
      progress[token] = { client = context.client_id, text = text }
    end
    vim.lsp.handlers['$/progress'](err, params, context)
  end
end

--- What is under way, or an empty text.
---@return string
function M.progress()
  local _, any = next(progress)
  return any and any.text or ''
end

return M
