--- The language client: starts the daemon, sends requests, answers what the daemon asks.
local config = require('ckit.config')

local M = {}

---@type table<string, fun(value: any)> takes of partial results by token
local parts = {}
---@type fun(event: table)[] listeners to turns
local listeners = {}
local tokens = 0
local progress = ''

local function notify(message, level)
  vim.notify('ckit: ' .. message, level or vim.log.levels.INFO)
end

-- Neovim 0.11 made the client's functions methods.
local function call(client, name, ...)
  if vim.fn.has('nvim-0.11') == 1 then
    return client[name](client, ...)
  end
  return client[name](...)
end

--- Send a request and wait for its answer, for places that can't go on without it.
---@param client vim.lsp.Client
---@param method string
---@param params table
---@param milliseconds integer
---@return table? result
function M.request_sync(client, method, params, milliseconds)
  local answer = call(client, 'request_sync', method, params, milliseconds, 0)
  return answer and answer.result
end

local handlers = {
  ['ckit/approval/request'] = function(_, params)
    return require('ckit.approval').ask(params.approval)
  end,
  ['ckit/secret/request'] = function(_, params)
    local value = vim.fn.inputsecret(('ckit needs %s (%s): '):format(params.reference, params.reason))
    return { value = value ~= '' and value or vim.NIL }
  end,
  ['ckit/turn/event'] = function(_, params)
    for _, listener in ipairs(listeners) do
      listener(params.event)
    end
  end,
  ['$/progress'] = function(err, params, context)
    local take = parts[params.token]
    if take then
      take(params.value)
    else
      progress = params.value.kind ~= 'end' and (params.value.message or params.value.title) or ''
      vim.lsp.handlers['$/progress'](err, params, context)
    end
  end,
}

---@param root string
---@return vim.lsp.ClientConfig? settings
---@return string? problem
local function settings(root)
  local command, problem = config.command()
  if not command then
    return nil, problem
  end
  -- Neovim writes whatever a server logs into its own log, as errors.
  return {
    name = 'ckit',
    cmd = vim.list_extend(vim.deepcopy(command), { '--log-level', 'warning' }),
    root_dir = root,
    handlers = handlers,
    init_options = {
      ckit = {
        clientInfo = { name = 'neovim', version = tostring(vim.version()) },
        protocolVersions = { '1.0' },
        answers = { 'ckit/approval/request', 'ckit/secret/request' },
        trusted = config.options.trusted,
        config = config.options.config,
      },
    },
    on_exit = function(code, signal, id)
      progress = ''
      if code ~= 0 and vim.v.exiting == vim.NIL then
        vim.schedule(function()
          notify(('the daemon ended with code %d; `:Ckit restart` starts it again'):format(code), vim.log.levels.ERROR)
        end)
      end
    end,
  }
end

--- Attach the daemon to a buffer of a context repository.
---@param buffer integer
---@return integer? id of the client
function M.attach(buffer)
  local root = vim.fs.root(buffer, '.context')
  if not root then
    return nil
  end
  local wanted, problem = settings(root)
  if not wanted then
    notify(problem or '', vim.log.levels.WARN)
    return nil
  end
  require('ckit.lsp_commands').register()
  return vim.lsp.start(wanted, { bufnr = buffer })
end

--- The client of this buffer or, outside of any repository, the only one there is.
---@return vim.lsp.Client? client
---@return string? problem
function M.get()
  local client = vim.lsp.get_clients({ name = 'ckit', bufnr = 0 })[1] or vim.lsp.get_clients({ name = 'ckit' })[1]
  if client then
    return client
  end
  local root = vim.fs.root(0, '.context') or vim.fs.root(vim.fn.getcwd(), '.context')
  if not root then
    return nil, 'there is no context repository here; open a file of one'
  end
  local wanted, problem = settings(root)
  local id = wanted and vim.lsp.start(wanted, { attach = false })
  client = id and vim.lsp.get_client_by_id(id)
  if not client then
    return nil, problem or 'the daemon did not start; `:checkhealth ckit` says more'
  end
  return client
end

--- The file of a place that the daemon names relative to the repository.
---@param location { path: string }
---@return string
function M.file_of(location)
  local client = M.get()
  return client and vim.fs.joinpath(client.config.root_dir, location.path) or location.path
end

--- A token under which the daemon streams parts of an answer.
---@param take fun(value: any)
---@return string
local function token_for(take)
  tokens = tokens + 1
  local token = ('neovim-%d'):format(tokens)
  parts[token] = take
  return token
end

---@class ckit.Request
---@field cancel fun() ends the request; its `done` is called with the error `cancelled`

--- Send a request.
---@param method string
---@param params table
---@param done fun(result?: table, problem?: { code: string, message: string })
---@param options? { on_part?: fun(value: any), quiet?: boolean }
---@return ckit.Request?
function M.request(method, params, done, options)
  options = options or {}
  local client, problem = M.get()
  if not client then
    notify(problem or '', vim.log.levels.WARN)
    return nil
  end
  params = vim.tbl_extend('keep', params, next(params) and {} or vim.empty_dict())
  local part
  if options.on_part then
    part = token_for(options.on_part)
    params.partialResultToken = part
  end
  tokens = tokens + 1
  params.workDoneToken = ('neovim-%d'):format(tokens)
  local finished = false
  local function finish(result, problem_)
    if finished then
      return
    end
    finished = true
    if part then
      parts[part] = nil
    end
    done(result, problem_)
  end
  local function answered(err, result)
    if err then
      local code = type(err.data) == 'table' and err.data.code or 'unknown'
      if not options.quiet then
        notify(err.message, vim.log.levels.ERROR)
      end
      finish(nil, { code = code, message = err.message })
    else
      finish(result)
    end
  end
  local id
  local function send()
    local _
    _, id = call(client, 'request', method, params, answered, 0)
  end
  if client.initialized then
    send()
  else
    -- A request before the answer to initialize would be refused.
    local timer = assert(vim.uv.new_timer())
    timer:start(10, 10, function()
      if client.initialized or call(client, 'is_stopped') then
        timer:stop()
        timer:close()
        vim.schedule(function()
          if not finished then
            send()
          end
        end)
      end
    end)
  end
  return {
    cancel = function()
      if finished then
        return
      end
      if id then
        call(client, 'cancel_request', id)
      end
      -- Neovim keeps the answer to a cancelled request to itself, so nobody else would clean up.
      progress = ''
      finish(nil, { code = 'cancelled', message = 'The request was cancelled.' })
    end,
  }
end

--- Hear of all turns.
---@param listener fun(event: table)
function M.on_event(listener)
  table.insert(listeners, listener)
end

--- What the daemon does now, for the status line.
---@return string
function M.status()
  local running = #vim.lsp.get_clients({ name = 'ckit' }) > 0
  if not running then
    return ''
  end
  return progress ~= '' and ('ckit: ' .. progress) or 'ckit'
end

--- End the daemon and start it anew for the buffers that had it.
function M.restart()
  local buffers = {}
  for _, client in ipairs(vim.lsp.get_clients({ name = 'ckit' })) do
    vim.list_extend(buffers, vim.tbl_keys(client.attached_buffers))
    call(client, 'stop')
  end
  local timer = assert(vim.uv.new_timer())
  timer:start(50, 50, vim.schedule_wrap(function()
    if #vim.lsp.get_clients({ name = 'ckit' }) > 0 or timer:is_closing() then
      return
    end
    timer:close()
    for _, buffer in ipairs(buffers) do
      if vim.api.nvim_buf_is_valid(buffer) then
        M.attach(buffer)
      end
    end
    notify('the daemon was started anew')
  end))
end

M.notify = notify

return M
