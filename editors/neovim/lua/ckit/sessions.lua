--- Earlier conversations: go on with one, copy it, give it another title, put it away.
local client = require('ckit.client')

local M = {}

---@class ckit.SessionChoice: ckit.Choice
---@field run fun(session: table, root: string)

---@param method string
---@param params table
---@param root string
---@param said string what to tell a person afterwards
local function change(method, params, root, said)
  client.request(method, params, function(result)
    if result then
      client.notify(said)
    end
  end, { root = root })
end

---@param session table
---@param root string
local function export(session, root)
  client.request('ckit/session/export', { id = session.id }, function(result)
    if not result then
      return
    end
    vim.cmd.tabnew()
    vim.b.ckit_root = root
    vim.bo.buftype = 'nofile'
    vim.bo.filetype = 'markdown'
    vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.split(result.content, '\n'))
  end, { root = root })
end

---@type ckit.SessionChoice[]
local CHOICES = {
  {
    label = 'Go on with it',
    run = function(session)
      require('ckit.chat').take_up(session.id)
    end,
  },
  {
    label = 'Go on with a copy',
    run = function(session, root)
      client.request('ckit/session/fork', { id = session.id }, function(result)
        if result then
          require('ckit.chat').take_up(result.session.id)
        end
      end, { root = root })
    end,
  },
  {
    label = 'Give it another title',
    run = function(session, root)
      vim.ui.input({ prompt = 'Title: ', default = session.title }, function(title)
        if title and vim.trim(title) ~= '' then
          change('ckit/session/rename', { id = session.id, title = title }, root, 'it is called ' .. title)
        end
      end)
    end,
  },
  { label = 'Show it as Markdown', run = export },
  {
    label = 'Put it away',
    run = function(session, root)
      change('ckit/session/archive', { id = session.id }, root, 'put away: ' .. session.title)
    end,
  },
  {
    label = 'Delete it',
    run = function(session, root)
      vim.ui.select({ 'Delete', 'Keep' }, {
        prompt = ('Delete `%s` for good?'):format(session.title),
        kind = 'ckit.delete',
      }, function(answer)
        if answer == 'Delete' then
          change('ckit/session/delete', { id = session.id }, root, 'deleted: ' .. session.title)
        end
      end)
    end,
  },
}

---@param session table
---@return string
local function line(session)
  local when = session.updatedAt:sub(1, 16):gsub('T', ' ')
  local running = session.runningTurn and ' · running' or ''
  return ('%s · %d turns · %s%s'):format(session.title, session.turns, when, running)
end

--- Choose a conversation about this repository, and what to do with it.
function M.choose()
  local root = client.root()
  client.request('ckit/session/list', { repository = root }, function(result)
    if not result then
      return
    elseif #result.sessions == 0 then
      client.notify('nothing was said here yet; `:Ckit chat` begins')
      return
    end
    local select = { prompt = 'Conversations', kind = 'ckit.session', format_item = line }
    vim.ui.select(result.sessions, select, function(session)
      if not session then
        return
      end
      vim.ui.select(CHOICES, {
        prompt = session.title,
        kind = 'ckit.session.action',
        format_item = function(choice)
          return choice.label
        end,
      }, function(choice)
        if choice then
          choice.run(session, root)
        end
      end)
    end)
  end, { root = root })
end

return M
