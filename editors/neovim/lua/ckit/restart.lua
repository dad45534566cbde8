--- Ends the daemons and starts them anew, also where they have ended by themselves.
local client = require('ckit.client')
local requests = require('ckit.requests')

local M = {}

local EVERY_MILLISECONDS = 50
local PATIENCE_MILLISECONDS = 3000

---@param force? boolean
local function stop(force)
  for _, each in ipairs(vim.lsp.get_clients({ name = 'ckit' })) do
    client.stopping[each.id] = true
    requests.call(each, 'stop', force)
  end
end

--- Attach every open file of a context repository, and say what came of it.
local function attach()
  local started, trouble = false, nil
  for _, buffer in ipairs(vim.tbl_filter(client.concerns, vim.api.nvim_list_bufs())) do
    local id, problem = client.attach(buffer)
    started, trouble = started or id ~= nil, trouble or problem
  end
  if trouble then
    client.notify(trouble, vim.log.levels.WARN)
  elseif started then
    client.notify('the daemon was started anew')
  else
    client.notify('no file of a context repository is open; the daemon starts with the first one')
  end
end

function M.run()
  local waited = 0
  stop()
  local timer = assert(vim.uv.new_timer())
  timer:start(0, EVERY_MILLISECONDS, vim.schedule_wrap(function()
    if timer:is_closing() then
      return
    end
    waited = waited + EVERY_MILLISECONDS
    if #vim.lsp.get_clients({ name = 'ckit' }) == 0 then
      timer:close()
      attach()
    elseif waited == PATIENCE_MILLISECONDS then
      stop(true)
    end
  end))
end

return M
