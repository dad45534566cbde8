--- What `:Ckit` can do.
local client = require('ckit.client')
local complete = require('ckit.complete')

local M = {}

---@class ckit.Call
---@field arguments string[]
---@field bang? boolean
---@field range? { first: integer, last: integer } 1-based lines, both included

---@class ckit.Command
---@field about string
---@field run fun(call: ckit.Call)
---@field complete? ckit.Completion[] of its first, second... argument
---@field takes? 'attachments' what a range and `!` stand for

--- Run the function of a module with all arguments as one text.
local function with_text(module, name)
  return function(call)
    require('ckit.' .. module)[name](table.concat(call.arguments, ' '))
  end
end

--- Run the function of a module with the arguments.
local function with(module, name)
  return function(call)
    require('ckit.' .. module)[name](unpack(call.arguments))
  end
end

--- Run the function of a module with the entity that is named, or that is here, and the arguments behind it.
local function about(module, name)
  return function(call)
    local id = require('ckit.entity').here(call.arguments[1])
    if id then
      require('ckit.' .. module)[name](id, unpack(call.arguments, 2))
    end
  end
end

---@type table<string, ckit.Command>
M.commands = {
  validate = { about = 'Put all findings into the quickfix list', run = with('lists', 'validate') },
  impact = {
    about = 'List what a change asks of others: of an entity, of unsaved text, or since the last commit',
    run = with('lists', 'impact'),
    complete = {
      function()
        return vim.list_extend({ 'commit', 'staged', 'unsaved' }, require('ckit.entity').ids())
      end,
    },
  },
  graph = { about = 'Show what an entity is joined to', run = about('reports', 'graph'), complete = { complete.ids() } },
  show = { about = 'Show the text of an entity', run = about('reports', 'show'), complete = { complete.ids() } },
  inspect = { about = 'Show what the repository holds and lacks', run = with('reports', 'inspect') },
  search = { about = 'List passages by meaning and words', run = with_text('lists', 'search') },
  similar = { about = 'List passages like an entity', run = about('lists', 'similar'), complete = { complete.ids() } },
  index = {
    about = 'Bring the index of passages up to date',
    run = with('reports', 'index'),
    complete = { complete.words('rebuild', 'status') },
  },
  ask = { about = 'Answer a question with citations; <CR> on [1] opens the place', run = with_text('ask', 'open') },
  chat = {
    about = 'Talk with the assistant, about the selected lines, or with ! about this file',
    takes = 'attachments',
    run = function(call)
      require('ckit.chat').open(table.concat(call.arguments, ' '), require('ckit.attachments').of(call))
    end,
  },
  new = { about = 'Begin a new conversation', run = with('chat', 'new') },
  sessions = { about = 'Choose an earlier conversation', run = with('sessions', 'choose') },
  resume = { about = 'Go on with the turn that was interrupted', run = with('chat', 'resume') },
  model = {
    about = 'Choose who answers in the conversation',
    run = with('options', 'model'),
    complete = { complete.models },
  },
  mode = {
    about = 'Choose how the assistant works',
    run = with('options', 'mode'),
    complete = { complete.words('general', 'improvement', 'clarification') },
  },
  prompt = { about = 'Show the prompt of an entity', run = about('reports', 'prompt'), complete = { complete.ids() } },
  promptify = {
    about = 'Make a prompt of a specification, within a budget of tokens',
    run = about('reports', 'promptify'),
    complete = { complete.ids('spec'), complete.words('codegen', 'review', 'test') },
  },
  spec = {
    about = 'Have a specification of an entity written',
    run = about('generate', 'spec'),
    complete = { complete.ids() },
  },
  code = {
    about = 'Have the code of a specification written',
    run = about('generate', 'code'),
    complete = { complete.ids('spec') },
  },
  entity = {
    about = 'Have an entity made up',
    run = with('generate', 'entity'),
    complete = { complete.types },
  },
  explain = {
    about = 'Show what something generated was made from',
    run = about('reports', 'explain'),
    complete = { complete.ids() },
  },
  undo = {
    about = 'Take back what the last generation wrote, or that of an entity',
    run = with('preview', 'undo'),
    complete = { complete.ids() },
  },
  log = { about = 'List the log of generations', run = with('lists', 'log'), complete = { complete.ids() } },
  pipeline = {
    about = 'Run a pipeline: built in, or a script of the repository',
    run = with('pipeline', 'run'),
    complete = { complete.pipelines, complete.ids() },
  },
  providers = {
    about = 'Show the providers of models, or try one',
    run = with('reports', 'providers'),
    complete = { complete.providers },
  },
  health = {
    about = 'Say whether the daemon and its parts work',
    run = function()
      vim.cmd.checkhealth('ckit')
    end,
  },
  cancel = {
    about = 'End whatever runs',
    run = function()
      local count = require('ckit.requests').cancel_all()
      if count == 0 then
        client.notify('nothing runs')
      end
    end,
  },
  restart = { about = 'Start the daemon anew', run = with('restart', 'run') },
}

---@param command { fargs: string[], bang: boolean, range: integer, line1: integer, line2: integer }
function M.run(command)
  local name = command.fargs[1] or 'validate'
  local found = M.commands[name]
  if not found then
    local names = vim.tbl_keys(M.commands)
    table.sort(names)
    client.notify(('there is no `%s`; there are %s'):format(name, table.concat(names, ', ')), vim.log.levels.ERROR)
    return
  end
  if not found.takes and (command.bang or command.range > 0) then
    client.notify(('`:Ckit %s` takes neither lines nor a !'):format(name), vim.log.levels.WARN)
    return
  end
  found.run({
    arguments = vim.list_slice(command.fargs, 2),
    bang = command.bang,
    range = command.range > 0 and { first = command.line1, last = command.line2 } or nil,
  })
end

return M
