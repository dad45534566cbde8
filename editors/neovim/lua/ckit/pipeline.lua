--- Runs pipelines, and asks before one writes or a script of the repository runs.
local client = require('ckit.client')

local M = {}

---@param root string
---@param result table of `ckit/pipeline/run`
local function show(root, result)
  local parts = { result.note, result.stdout, result.stderr }
  local text = {}
  for index = 1, 3 do
    if parts[index] and parts[index] ~= '' then
      table.insert(text, parts[index])
    end
  end
  if result.output ~= nil then
    table.insert(text, require('ckit.json').pretty(result.output))
  end
  local outcome = result.ok and '✔' or '✘'
  local title = ('%s %s, %.1f s'):format(outcome, result.name, result.durationMs / 1000)
  require('ckit.window').show(title, table.concat(text, '\n'), result.output ~= nil and 'json' or 'text', root)
end

---@param root string
---@param params table
---@param then_? fun(result: table)
local function run(root, params, then_)
  client.request('ckit/pipeline/run', params, function(result)
    if result then
      (then_ or function()
        show(root, result)
      end)(result)
    end
  end, { root = root })
end

---@param root string
---@param title string
---@param text string
---@param filetype string
---@param params table what to run after a yes
local function ask(root, title, text, filetype, params)
  require('ckit.question').ask({
    title = title,
    text = text,
    filetype = filetype,
    choices = { { label = 'Run it', yes = true }, { label = 'Leave it' } },
    kind = 'ckit.pipeline',
    root = root,
  }, function(choice)
    if choice and choice.yes then
      run(root, params)
    end
  end)
end

---@param root string
---@param pipeline table
---@param arguments string[]
local function begin(root, pipeline, arguments)
  if not pipeline.available then
    client.notify(pipeline.reason or 'this pipeline can not run now', vim.log.levels.WARN)
  elseif pipeline.engine == 'script' then
    local params = { name = pipeline.name, engine = 'script', args = arguments, confirm = true }
    local line = pipeline.description .. ' ' .. table.concat(vim.tbl_map(vim.fn.shellescape, arguments), ' ')
    ask(root, 'Run the script ' .. pipeline.name .. '?', '$ ' .. vim.trim(line), 'sh', params)
  elseif pipeline.name == 'generate' then
    -- The only one that writes files; the run before the question doesn't.
    local params = { name = pipeline.name, ids = arguments }
    run(root, vim.tbl_extend('error', params, { dryRun = true }), function(result)
      ask(root, 'Write these files?', require('ckit.json').pretty(result.output), 'json', params)
    end)
  else
    run(root, { name = pipeline.name, ids = arguments })
  end
end

--- Run a pipeline: the built-in one of this name or, where there is none, the repository's script.
---@param name? string `script:NAME` is the repository's in any case
---@param ... string ids, or arguments of a script
function M.run(name, ...)
  local root = client.root()
  local arguments = { ... }
  if not root or not name then
    client.notify('name a pipeline, e.g. `:Ckit pipeline validate`', vim.log.levels.WARN)
    return
  end
  local script = name:match('^script:(.+)$')
  client.request('ckit/pipeline/list', {}, function(result)
    for _, pipeline in ipairs(result and result.pipelines or {}) do
      if pipeline.name == (script or name) and (not script or pipeline.engine == 'script') then
        begin(root, pipeline, arguments)
        return
      end
    end
    if result then
      client.notify(('there is no pipeline `%s`; <Tab> completes them'):format(name), vim.log.levels.ERROR)
    end
  end, { root = root })
end

return M
