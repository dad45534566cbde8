--- Has something written, shows it, and saves it after the approval that shows the diff; takes it back.
local client = require('ckit.client')
local window = require('ckit.window')

local M = {}

---@type table<string, string> the newest generation that was saved, by repository
local saved = {}

---@param result table
---@return string
local function text_of(result)
  local lines = {}
  for _, warning in ipairs(result.warnings) do
    vim.list_extend(lines, { '> ' .. warning, '' })
  end
  if result.markdown then
    table.insert(lines, result.markdown)
  else
    vim.list_extend(lines, { '```diff', result.diff, '```' })
  end
  return table.concat(lines, '\n')
end

---@param root string
---@param result table
local function save(root, result)
  local files = table.concat(result.files, ', ')
  -- The daemon asks before it writes, and shows exactly what.
  return client.request('ckit/code/apply', { generationId = result.generationId }, function(written, problem)
    if written then
      saved[root] = result.generationId
      client.notify(('wrote %s; `:Ckit undo` takes it back'):format(files))
      vim.cmd.checktime()
    elseif problem and problem.code ~= 'cancelled' then
      client.notify(('%s Nothing was written.'):format(problem.message), vim.log.levels.WARN)
    end
  end, { root = root, quiet = true })
end

--- Generate something and show it as it comes.
---@param title string
---@param method string
---@param params table
---@param streams? boolean whether the daemon sends its text in parts
function M.write(title, method, params, streams)
  local root = client.root()
  local buffer = window.show(title, streams and '' or '_It is being written…_')
  local request
  local function take(items)
    for _, item in ipairs(items) do
      window.append(buffer, item.text)
    end
  end
  request = client.request(method, params, function(result, problem)
    if result then
      -- What was checked counts, not what was streamed.
      window.set(buffer, text_of(result))
      request = save(root, result)
    else
      window.append(buffer, ('\n\n✘ %s'):format(problem and problem.message or ''))
    end
  end, { root = root, on_part = streams and take or nil })
  window.cancels(buffer, function()
    if request then
      request.cancel()
    end
  end)
end

---@param root string
---@param generation table
local function ask_to_undo(root, generation)
  local lines = { ('# %s %s'):format(generation.kind, generation.entity or generation.id), '' }
  for _, file in ipairs(generation.files) do
    table.insert(lines, ('- %s (%s)'):format(file.path, file.state))
  end
  require('ckit.question').ask({
    title = 'Take these files back to what they were?',
    text = table.concat(lines, '\n'),
    choices = { { label = 'Take back', yes = true }, { label = 'Leave' } },
    kind = 'ckit.undo',
    root = root,
  }, function(choice)
    if choice and choice.yes then
      client.request('ckit/code/undo', { generationId = generation.id }, function(result)
        if result then
          saved[root] = nil
          client.notify('took back ' .. table.concat(result.files, ', '))
          vim.cmd.checktime()
        end
      end, { root = root })
    end
  end)
end

--- Take back what a generation wrote.
---@param what? string a generation or the entity that it made; the last one that was saved without it
function M.undo(what)
  local root = client.root()
  what = what or (root and saved[root])
  if not root or not what then
    client.notify('nothing was generated here yet; name what to take back, e.g. `:Ckit undo SPEC-008`', vim.log.levels.WARN)
    return
  end
  local asked = vim.startswith(what, 'gen_') and { id = what } or { entity = what }
  client.request('ckit/generation/explain', asked, function(result)
    if result then
      ask_to_undo(root, result.generation)
    end
  end, { root = root })
end

return M
