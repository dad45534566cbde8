--- What `:Ckit` can do.
local client = require('ckit.client')

local M = {}

--- The id of an entity that a command names or, without one, that the cursor or the buffer is about.
---@param arguments string[]
---@return string?
local function entity(arguments)
  if arguments[1] then
    return arguments[1]
  end
  local word = vim.fn.expand('<cWORD>'):match('[%a][%w]*%-[%w%-]*%w')
  if word and word:match('%d') or (word and word:match('^svc%-') or word and word:match('^pkg%-')) then
    return word
  end
  for _, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, 20, false)) do
    local id = line:match('^id:%s*["\']?([%w%-_.]+)')
    if id then
      return id
    end
  end
  client.notify('name an entity, e.g. `:Ckit show FEAT-001`', vim.log.levels.WARN)
end

--- Make a command about one entity of a function that takes its id and the arguments behind it.
local function about(run)
  return function(arguments)
    local id = entity(arguments)
    if id then
      run(id, vim.list_slice(arguments, 2))
    end
  end
end

local function show(title, method, params, text, filetype)
  client.request(method, params, function(result)
    if result then
      require('ckit.window').show(title, text(result), filetype)
    end
  end)
end

--- Open the place of a citation or a location.
---@param location { path: string, range: table }
local function jump(location)
  vim.cmd.edit(vim.fn.fnameescape(client.file_of(location)))
  local start = location.range.start
  pcall(vim.api.nvim_win_set_cursor, 0, { start.line + 1, start.character })
end

---@class ckit.Command
---@field run fun(arguments: string[])
---@field about string
---@field ids? boolean whether its argument is the id of an entity
---@field choices? string[]

---@type table<string, ckit.Command>
M.commands = {
  validate = {
    about = 'Put all findings into the quickfix list',
    run = function()
      client.request('ckit/repo/validate', {}, function(result)
        if result then
          require('ckit.quickfix').findings(result.findings)
          require('ckit.quickfix').open('no findings')
        end
      end)
    end,
  },
  impact = {
    about = 'Put what a change asks of others into the quickfix list: of an entity, or of unsaved text',
    ids = true,
    run = function(arguments)
      local params = arguments[1] and { ids = { arguments[1] } } or { between = 'unsaved' }
      client.request('ckit/repo/impact', params, function(result)
        if result then
          require('ckit.quickfix').impact(result)
          require('ckit.quickfix').open('nothing becomes stale')
        end
      end)
    end,
  },
  graph = {
    about = 'Show what an entity is joined to',
    ids = true,
    run = about(function(id)
      show('graph of ' .. id, 'ckit/repo/graph', { ids = { id }, depth = 1 }, function(result)
        return require('ckit.graph').text(id, result)
      end)
    end),
  },
  show = {
    about = 'Show an entity: its text, relations and findings',
    ids = true,
    run = about(function(id)
      show(id, 'ckit/entity/get', { id = id, text = true }, function(result)
        return result.text
      end, 'yaml')
    end),
  },
  search = {
    about = 'Find passages by meaning and words, into the quickfix list',
    run = function(arguments)
      local query = table.concat(arguments, ' ')
      client.request('ckit/rag/search', { query = query }, function(result)
        if result then
          require('ckit.quickfix').hits(query, result.hits)
          require('ckit.quickfix').open('nothing fits')
        end
      end)
    end,
  },
  ask = {
    about = 'Answer a question with citations; <CR> on [1] opens the place',
    run = function(arguments)
      require('ckit.ask').open(table.concat(arguments, ' '), jump)
    end,
  },
  chat = {
    about = 'Talk with the assistant',
    run = function(arguments)
      require('ckit.chat').open(arguments[1] and table.concat(arguments, ' ') or nil)
    end,
  },
  cancel = {
    about = 'End the turn that runs',
    run = function()
      require('ckit.chat').cancel()
    end,
  },
  prompt = {
    about = 'Show the prompt of an entity',
    ids = true,
    run = about(function(id)
      show('prompt of ' .. id, 'ckit/prompt/render', { id = id }, function(result)
        return result.prompt
      end)
    end),
  },
  spec = {
    about = 'Write a specification of an entity, after you have seen it',
    ids = true,
    run = about(function(id, rest)
      require('ckit.spec').write(id, table.concat(rest, ' '))
    end),
  },
  health = {
    about = 'Say whether the daemon and its parts work',
    run = function()
      vim.cmd.checkhealth('ckit')
    end,
  },
  restart = {
    about = 'Start the daemon anew',
    run = function()
      client.restart()
    end,
  },
}

---@param command { fargs: string[] }
function M.run(command)
  local name = command.fargs[1] or 'validate'
  local found = M.commands[name]
  if not found then
    local names = vim.tbl_keys(M.commands)
    table.sort(names)
    client.notify(('there is no `%s`; there are %s'):format(name, table.concat(names, ', ')), vim.log.levels.ERROR)
    return
  end
  found.run(vim.list_slice(command.fargs, 2))
end

--- The ids of all entities; asked for each time, since completion is rare and the daemon quick.
local function ids()
  local found = client.get()
  if not found or not found.initialized then
    return {}
  end
  local result = client.request_sync(found, 'ckit/entity/list', { limit = 10000 }, 1000)
  return result and vim.tbl_map(function(each)
    return each.id
  end, result.entities) or {}
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local words = vim.split(line, '%s+', { trimempty = true })
  local names
  if #words < 2 or (#words == 2 and lead ~= '') then
    names = vim.tbl_keys(M.commands)
  else
    local command = M.commands[words[2]]
    names = command and command.ids and ids() or {}
  end
  table.sort(names)
  return vim.tbl_filter(function(name)
    return vim.startswith(name:lower(), lead:lower())
  end, names)
end

return M
