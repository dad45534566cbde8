--- The language client: starts the daemon, one for each repository, and finds the one that a buffer is about.
local config = require('ckit.config')
local requests = require('ckit.requests')

local M = {}

-- What makes a folder with `contexts` in it a repository, as the daemon sees it.
local MARKERS = { '.context', '.context-kit', '.git', 'package.json' }

---@type table<integer, true> clients that were told to end
M.stopping = {}

---@param message string
---@param level? integer
function M.notify(message, level)
  vim.notify('ckit: ' .. message, level or vim.log.levels.INFO)
end

--- The innermost repository around a buffer or a path.
---@param source integer|string
---@return string?
local function root_of(source)
  return vim.fs.root(source, function(name, folder)
    return name == 'contexts'
      and vim.iter(MARKERS):any(function(marker)
        return vim.uv.fs_stat(vim.fs.joinpath(folder, marker)) ~= nil
      end)
  end)
end

---@param root string
---@return vim.lsp.ClientConfig? settings
---@return string? problem
local function settings(root)
  local command, problem = config.command()
  if not command then
    return nil, problem
  end
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  -- Then positions count bytes, as Neovim does, also where it would prefer something else.
  capabilities.general.positionEncodings = { 'utf-8' }
  -- Neovim applies such edits and doesn't say so; without them, a rename leaves the name of the file.
  capabilities.workspace.workspaceEdit.documentChanges = true
  return {
    name = 'ckit',
    capabilities = capabilities,
    -- Neovim writes whatever a server logs into its own log, as errors.
    cmd = vim.list_extend(vim.deepcopy(command), { '--log-level', 'warning' }),
    root_dir = root,
    handlers = require('ckit.handlers').handlers,
    init_options = {
      ckit = {
        clientInfo = { name = 'neovim', version = tostring(vim.version()) },
        protocolVersions = { '1.0' },
        answers = { 'ckit/approval/request', 'ckit/secret/request' },
        trusted = config.options.trusted,
        config = config.settings(),
      },
    },
    on_exit = function(code, signal, id)
      vim.schedule(function()
        requests.gone(id)
        for _, name in ipairs({ 'ckit.chat', 'ckit.approval' }) do
          if package.loaded[name] then
            package.loaded[name].lost(root)
          end
        end
        if (code ~= 0 or signal ~= 0) and not M.stopping[id] and vim.v.exiting == vim.NIL then
          local how = signal ~= 0 and ('by signal %d'):format(signal) or ('with code %d'):format(code)
          M.notify(('the daemon ended %s; `:Ckit restart` starts it again'):format(how), vim.log.levels.ERROR)
        end
        M.stopping[id] = nil
      end)
    end,
  }
end

--- Whether a buffer is a file of a context repository that the daemon has something to say about.
---@param buffer integer
---@return boolean
function M.concerns(buffer)
  return vim.api.nvim_buf_is_loaded(buffer)
    and vim.bo[buffer].buftype == ''
    and vim.tbl_contains({ 'yaml', 'markdown' }, vim.bo[buffer].filetype)
    and root_of(buffer) ~= nil
end

--- Attach the daemon to a buffer of a context repository.
---@param buffer integer
---@return integer? id of the client
---@return string? problem
function M.attach(buffer)
  local root = root_of(buffer)
  if not root or vim.bo[buffer].buftype ~= '' then
    return nil
  end
  local wanted, problem = settings(root)
  if not wanted then
    return nil, problem
  end
  require('ckit.lsp_commands').register()
  return vim.lsp.start(wanted, { bufnr = buffer })
end

--- The repository that the current buffer is about.
---@return string?
function M.root()
  -- Windows of ours remember it.
  local root = vim.b.ckit_root or root_of(0) or root_of(vim.fn.getcwd())
  local running = vim.lsp.get_clients({ name = 'ckit' })
  return root or (#running == 1 and running[1].config.root_dir or nil)
end

--- The client of a repository; it is started where it doesn't run.
---@param root? string of the current buffer without it
---@return vim.lsp.Client? client
---@return string? problem
function M.get(root)
  root = root or M.root()
  if not root then
    return nil, 'there is no context repository here; open a file of one'
  end
  for _, client in ipairs(vim.lsp.get_clients({ name = 'ckit' })) do
    if client.config.root_dir == root and not requests.call(client, 'is_stopped') then
      return client
    end
  end
  local wanted, problem = settings(root)
  if not wanted then
    return nil, problem
  end
  local id
  if vim.fn.has('nvim-0.11') == 1 then
    id = vim.lsp.start(wanted, { attach = false })
  else
    id = vim.lsp.start_client(wanted)
  end
  local client = id and vim.lsp.get_client_by_id(id)
  return client, not client and 'the daemon did not start; `:checkhealth ckit` says more' or nil
end

--- Send a request to the daemon of a repository.
---@param method string
---@param params table
---@param done ckit.Done
---@param options? ckit.RequestOptions | { root?: string }
---@return ckit.Request?
function M.request(method, params, done, options)
  options = options or {}
  local client, problem = M.get(options.root)
  if not client then
    M.notify(problem or '', vim.log.levels.WARN)
    done(nil, { code = 'unavailable', message = problem or '' })
    return nil
  end
  return requests.send(client, method, params, function(result, failure)
    if failure and failure.code ~= 'cancelled' and not options.quiet then
      M.notify(failure.message, vim.log.levels.ERROR)
    end
    done(result, failure)
  end, options)
end

--- Send a request to a daemon that runs, and wait for its answer, for places that can't go on without it.
---@param method string
---@param params table
---@param milliseconds integer
---@return table? result
function M.request_sync(method, params, milliseconds)
  local root = M.root()
  for _, client in ipairs(vim.lsp.get_clients({ name = 'ckit' })) do
    if client.initialized and client.config.root_dir == root then
      local answer = requests.call(client, 'request_sync', method, params, milliseconds)
      return answer and answer.result
    end
  end
end

--- The file of a place that the daemon names relative to the repository.
---@param location { path: string }
---@param root? string
---@return string
function M.file_of(location, root)
  return vim.fs.joinpath(root or M.root() or '', location.path)
end

--- What the daemon does now, for the status line.
---@return string
function M.status()
  if #vim.lsp.get_clients({ name = 'ckit' }) == 0 then
    return ''
  end
  local progress = requests.progress()
  return progress ~= '' and ('ckit: ' .. progress) or 'ckit'
end

return M
