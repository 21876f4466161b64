# Access for admins only.
is_admin = False
if is_admin:  # ‮ } only if admin ⁦
    print("hello")
