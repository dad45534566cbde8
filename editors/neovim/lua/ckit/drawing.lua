--- Draws a turn as it happens.
local transcript = require('ckit.transcript')

---@class ckit.Drawing
---@field write fun(text: string) shows more
---@field private open? string the item that is being drawn
---@field private silent? string an item that is not drawn: what the model thinks
---@field private failed boolean whether an error of this turn was shown
local Drawing = {}
Drawing.__index = Drawing

---@param write fun(text: string)
---@return ckit.Drawing
function Drawing.new(write)
  return setmetatable({ write = write, failed = false }, Drawing)
end

--- Another turn begins.
function Drawing:begin()
  self.failed = false
end

---@param problem { message: string }
function Drawing:fail(problem)
  self.failed = true
  self.write(('\n✘ %s\n'):format(problem.message))
end

---@param turn table
function Drawing:finish(turn)
  if turn.failure and not self.failed then
    self:fail(turn.failure)
  end
  if turn.stopReason ~= 'cancelled' then
    self.write(transcript.ended(turn))
  end
end

--- Draw what an event tells about an item.
---@param event table
function Drawing:hear(event)
  local item = event.item
  if event.type == 'itemStarted' then
    self.silent = item.kind == 'reasoning' and item.id or nil
  elseif event.type == 'itemDelta' and event.itemId ~= self.silent then
    if self.open ~= event.itemId then
      self.open = event.itemId
      self.write('\n')
    end
    self.write(event.text)
  elseif event.type == 'itemCompleted' then
    if item.kind == 'error' then
      self:fail(item.failure)
    elseif item.id == self.open then
      self.write('\n' .. (item.note and ('_%s_\n'):format(item.note) or ''))
    elseif item.kind ~= 'userMessage' then
      self.write(transcript.item(item) or '')
    end
  end
end

return Drawing
