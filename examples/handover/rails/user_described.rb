# To add to the class User in app/models/user.rb.
def described
  { subject: id.to_s, email: email_address, email_verified: true, name:,
    organizations: memberships.includes(:shop).map { |one| { id: one.shop_id.to_s, name: one.shop.name, role: one.role } } }
end
